//! Any device that is switched by addresses over HTTP, as its document states them.

use std::num::NonZeroU8;

use rigtone_model::document::{Web, WebMethod};

use super::{
    client::Request,
    web::{Said, Words},
};

/// The words of a document.
pub(crate) struct Plain {
    document: Web,
}

impl Plain {
    pub(crate) const fn of(document: Web) -> Self {
        Self { document }
    }
}

/// A text with the channel in its place.
fn filled(text: &str, channel: NonZeroU8) -> String {
    text.replace("{channel}", &channel.to_string()).replace("{index}", &(channel.get() - 1).to_string())
}

impl Words for Plain {
    fn switch(&self, channel: NonZeroU8, on: bool) -> Request {
        let url = filled(if on { &self.document.on } else { &self.document.off }, channel);
        match self.document.method {
            WebMethod::Get => Request::get(url),
            WebMethod::Post => Request::post(url, "application/x-www-form-urlencoded", ""),
        }
    }

    fn acknowledged(&self, _channel: NonZeroU8, _answer: &str) -> Result<Option<bool>, String> {
        Ok(None)
    }

    fn question(&self, channel: NonZeroU8) -> Option<Request> {
        self.document.state.as_ref().map(|state| Request::get(filled(&state.url, channel)))
    }

    fn position(&self, channel: NonZeroU8, answer: &str) -> Result<Said, String> {
        let Some(state) = &self.document.state else { return Err("nothing was asked".to_owned()) };
        let says = |text: &str| answer.contains(&filled(text, channel));
        match (says(&state.says_on), says(&state.says_off)) {
            (true, false) => Ok(Said::of(true)),
            (false, true) => Ok(Said::of(false)),
            (true, true) => Err("both `says-on` and `says-off` stand in it".to_owned()),
            (false, false) => Err("neither `says-on` nor `says-off` stands in it".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::network::fake::{number, same};
    use rigtone_model::document::WebState;
    use rstest::rstest;

    fn device(method: WebMethod) -> Plain {
        Plain::of(Web {
            on: "http://10.0.0.6/io.cgi?DOA{channel}".into(),
            off: "http://10.0.0.6/off/{index}".into(),
            method,
            state: Some(WebState {
                url: "http://10.0.0.6/state/{channel}".into(),
                says_on: "r{channel}=1".into(),
                says_off: "r{channel}=0".into(),
            }),
            login: None,
        })
    }

    #[test]
    fn the_channel_stands_where_the_document_has_it() {
        let device = device(WebMethod::Get);
        assert_eq!(device.switch(number(3), true), Request::get("http://10.0.0.6/io.cgi?DOA3"));
        assert_eq!(device.switch(number(3), false), Request::get("http://10.0.0.6/off/2"));
        assert_eq!(device.question(number(3)), Some(Request::get("http://10.0.0.6/state/3")));
    }

    #[test]
    fn orders_are_posted_where_the_document_says_so_and_questions_never() {
        let device = device(WebMethod::Post);
        assert!(device.switch(number(1), true).post.is_some());
        assert_eq!(device.question(number(1)).and_then(|request| request.post), None);
    }

    #[rstest]
    #[case("r1=0 r2=1", Ok(true))]
    #[case("r1=1 r2=0", Ok(false))]
    #[case("r2=0 r2=1", Err("both"))]
    #[case("r1=1", Err("neither"))]
    #[case("", Err("neither"))]
    fn exactly_one_of_both_texts_is_a_position(#[case] answer: &str, #[case] due: Result<bool, &str>) {
        same(device(WebMethod::Get).position(number(2), answer), due.map(Said::of));
    }
}
