//! Asking for the records of all services of a device, in as many parts as the answer has.
//!
//! Source: Bluetooth Core Specification, volume 3, part B, 4.7 (service search attribute transaction).

use thiserror::Error;

use super::{Message, ServiceRecord, records};

/// The longest answer that is taken, in bytes: records of a device are a few hundred.
const ANSWER_AT_MOST: usize = 1 << 16;
/// The longest continuation state (4.3).
const STATE_AT_MOST: usize = 16;
/// Every service stands on L2CAP, so that all records name it.
const L2CAP: u16 = 0x0100;

/// Why an answer is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QueryError {
    /// It is no message that could answer.
    #[error("its answer is no answer of service discovery")]
    Malformed,
    /// It answers something else.
    #[error("it answers another question")]
    Foreign,
    /// It refused the question.
    #[error("it refused the question: error {0:#06x}")]
    Refused(u16),
    /// It goes on and on.
    #[error("its answer does not end")]
    Endless,
}

/// A question for the service classes of all records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    transaction: u16,
    state: Vec<u8>,
    answer: Vec<u8>,
}

impl Query {
    /// The packet to send: the question, or that for the next part of its answer.
    pub fn packet(&self) -> Vec<u8> {
        let [service, class] = [L2CAP.to_be_bytes(), 1_u16.to_be_bytes()];
        let parameters = [
            // One UUID to search for.
            [0x35, 3, 0x19].as_slice(),
            &service,
            // As many bytes as there are, of one attribute.
            &[0xFF, 0xFF, 0x35, 3, 0x09],
            &class,
            &[self.state.len() as u8],
            &self.state,
        ]
        .concat();
        let head = [[6].as_slice(), &self.transaction.to_be_bytes(), &(parameters.len() as u16).to_be_bytes()].concat();
        [head, parameters].concat()
    }

    /// Takes an answer; gives the records when it was the last part, and else wants the next [`packet`](Self::packet) to be sent.
    ///
    /// # Errors
    /// When it does not answer the question.
    pub fn take(&mut self, packet: &[u8]) -> Result<Option<Vec<ServiceRecord>>, QueryError> {
        let (part, state) = match Message::parse(packet).ok_or(QueryError::Malformed)? {
            Message::Error { code, transaction } if transaction == self.transaction => {
                return Err(QueryError::Refused(code));
            }
            Message::Answer { transaction, attributes, handles: None, .. } if transaction == self.transaction => {
                let state = packet.get(7 + attributes.len()..).and_then(<[u8]>::split_first);
                let (length, state) = state.ok_or(QueryError::Malformed)?;
                (attributes, state.get(..usize::from(*length)).ok_or(QueryError::Malformed)?)
            }
            Message::Answer { .. } | Message::Error { .. } => return Err(QueryError::Foreign),
            Message::Search { .. } | Message::Attributes { .. } => return Err(QueryError::Malformed),
        };
        if state.len() > STATE_AT_MOST {
            return Err(QueryError::Malformed);
        }
        self.answer.extend_from_slice(part);
        if state.is_empty() {
            return Ok(Some(records(&self.answer)));
        }
        // A part with nothing in it would go on for ever.
        if part.is_empty() || self.answer.len() > ANSWER_AT_MOST {
            return Err(QueryError::Endless);
        }
        self.transaction = self.transaction.wrapping_add(1);
        self.state = state.to_vec();
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    /// Lists of attributes of two records, a source and its remote control.
    const LISTS: [u8; 22] =
        [0x35, 20, 0x35, 8, 0x09, 0, 1, 0x35, 3, 0x19, 0x11, 0x0A, 0x35, 8, 0x09, 0, 1, 0x35, 3, 0x19, 0x11, 0x0C];

    fn answer(transaction: u16, part: &[u8], state: &[u8]) -> Vec<u8> {
        let length = (part.len() + state.len() + 3) as u16;
        let head = [[7].as_slice(), &transaction.to_be_bytes(), &length.to_be_bytes()].concat();
        [head.as_slice(), &(part.len() as u16).to_be_bytes(), part, &[state.len() as u8], state].concat()
    }

    #[test]
    fn the_question_is_one_for_every_service() {
        let expected = Message::Search { transaction: 0, services: vec![0x0100], continues: false };
        assert_eq!(Message::parse(&Query::default().packet()), Some(expected));
    }

    proptest! {
        #[test]
        fn an_answer_may_come_in_any_parts(cuts in prop::collection::btree_set(1_usize..LISTS.len(), 0..6)) {
            let mut query = Query::default();
            let ends: Vec<usize> = cuts.iter().copied().chain([LISTS.len()]).collect();
            let (mut begin, mut found) = (0, None);
            for (n, end) in ends.iter().enumerate() {
                let last = n + 1 == ends.len();
                let state: &[u8] = if last { &[] } else { &[7, n as u8] };
                found = query.take(&answer(n as u16, &LISTS[begin..*end], state)).expect("an answer");
                prop_assert_eq!(found.is_some(), last);
                if !last {
                    prop_assert!(query.packet().ends_with(&[2, 7, n as u8]));
                }
                begin = *end;
            }
            let classes: Vec<Vec<u16>> = found.expect("the whole").into_iter().map(|record| record.classes).collect();
            prop_assert_eq!(classes, vec![vec![0x110A], vec![0x110C]]);
        }

        #[test]
        fn no_bytes_make_it_panic(kind in 0_u8..9, bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let packet = [[kind, 0, 0, 0, bytes.len() as u8].as_slice(), &bytes].concat();
            let _ = Query::default().take(&packet);
        }
    }

    #[rstest]
    #[case::nothing(vec![], QueryError::Malformed)]
    #[case::refused(vec![1, 0, 0, 0, 2, 0, 3], QueryError::Refused(3))]
    #[case::of_another_question(answer(9, &LISTS, &[]), QueryError::Foreign)]
    #[case::a_question(Query::default().packet(), QueryError::Malformed)]
    #[case::without_end(answer(0, &[], &[1]), QueryError::Endless)]
    #[case::state_too_long(answer(0, &LISTS, &[0; 17]), QueryError::Malformed)]
    fn what_answers_nothing_is_refused(#[case] packet: Vec<u8>, #[case] why: QueryError) {
        assert_eq!(Query::default().take(&packet), Err(why));
    }
}
