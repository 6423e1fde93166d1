//! What a combination is made of: as the plan says, or as its id does.

use std::sync::Arc;

use rigtone_model::{
    id::CombinationId,
    plan::{AxisValue, Combination},
};

/// A combination as it was planned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) id: CombinationId,
    pub(crate) scenario: Arc<str>,
    pub(crate) axes: Vec<(Arc<str>, AxisValue)>,
    pub(crate) condition: Option<Arc<str>>,
    pub(crate) skipped: Option<Arc<str>>,
}

impl Planned {
    pub(crate) fn of(combination: &Combination) -> Self {
        Self {
            id: combination.id.clone(),
            scenario: combination.scenario.clone(),
            axes: combination.axes.clone(),
            condition: combination.condition.clone(),
            skipped: combination.skipped.clone(),
        }
    }

    /// Reads an id as [`CombinationId::new`] writes it. What is no such id is a scenario without axes.
    pub(crate) fn from_id(id: &CombinationId) -> Self {
        let text = id.as_str();
        let text = text.rsplit_once('#').map_or(text, |(text, _)| text);
        let (scenario, axes) = text.split_once('/').unwrap_or((text, ""));
        let axis = |pair: &str| {
            let (axis, value) = pair.split_once('=')?;
            Some((Arc::from(axis), AxisValue::Value(Arc::from(value))))
        };
        let mut axes: Vec<(Arc<str>, AxisValue)> = axes.split(',').filter_map(axis).collect();
        let condition = axes.iter().position(|(axis, _)| &**axis == "condition").map(|at| axes.remove(at).1);
        Self {
            id: id.clone(),
            scenario: Arc::from(scenario),
            axes,
            condition: condition.map(|value| Arc::from(value.text())),
            skipped: None,
        }
    }

    pub(crate) fn axis(&self, name: &str) -> Option<&AxisValue> {
        self.axes.iter().find(|(axis, _)| &**axis == name).map(|(_, value)| value)
    }

    /// Its axes in one line, such as `codec aac, source echo-dot-5, speaker charge-5`.
    pub(crate) fn title(&self) -> String {
        let axes = self.axes.iter().map(|(axis, value)| format!("{axis} {}", value.text()));
        let condition = self.condition.iter().map(|condition| format!("condition {condition}"));
        let parts: Vec<String> = axes.chain(condition).collect();
        if parts.is_empty() { self.id.to_string() } else { parts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_its_axes() {
        let planned = Planned::from_id(&CombinationId::from("pair/codec=sbc,speaker=a#5f2c09aa"));
        assert_eq!(&*planned.scenario, "pair");
        assert_eq!(planned.axis("codec").map(AxisValue::text), Some("sbc"));
        assert_eq!(planned.title(), "codec sbc, speaker a");
    }

    #[test]
    fn what_is_no_id_is_shown_as_it_is() {
        assert_eq!(Planned::from_id(&CombinationId::from("<script>")).title(), "<script>");
    }
}
