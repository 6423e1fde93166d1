//! What `$name` in a step stands for in one combination.

use std::{fmt, str::FromStr};

use indexmap::IndexMap;
use thiserror::Error;

use super::{AxisValue, Combination};
use crate::{
    document::{Bitpool, Blocks, Codec, Connect, Profile, Scenario, Subbands, WantedConfiguration},
    quantity::{Frequency, Param},
};

/// A `$name` that stands for nothing, or for the wrong kind of value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`${name}` {problem}")]
pub struct BindingError {
    name: String,
    problem: String,
}

/// The values of a combination's axes and of its condition's parameters.
#[derive(Debug, Clone, Copy)]
pub struct Bindings<'a> {
    axes: &'a [(std::sync::Arc<str>, AxisValue)],
    condition: Option<&'a IndexMap<String, String>>,
}

impl<'a> Bindings<'a> {
    /// Those of a combination of `scenario`.
    pub fn of(combination: &'a Combination, scenario: &'a Scenario) -> Self {
        Self {
            axes: &combination.axes,
            condition: combination.condition.as_deref().and_then(|c| scenario.conditions.get(c)),
        }
    }

    pub(crate) fn new(
        axes: &'a [(std::sync::Arc<str>, AxisValue)],
        condition: Option<&'a IndexMap<String, String>>,
    ) -> Self {
        Self { axes, condition }
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        let parameter = self.condition.and_then(|c| c.get(name)).map(String::as_str);
        parameter.or_else(|| self.axes.iter().find(|(axis, _)| &**axis == name).map(|(_, value)| value.text()))
    }

    /// The value of a parameter.
    ///
    /// # Errors
    /// When it names no axis or parameter, or one whose value is of another kind.
    pub fn resolve<T: FromStr<Err: fmt::Display> + Clone>(&self, parameter: &Param<T>) -> Result<T, BindingError> {
        match parameter {
            Param::Fixed(value) => Ok(value.clone()),
            Param::From(name) => self
                .find(name)
                .ok_or_else(|| BindingError {
                    name: name.clone(),
                    problem: "names neither an axis nor a parameter of the condition".into(),
                })?
                .parse()
                .map_err(|e: T::Err| BindingError { name: name.clone(), problem: format!("does not fit: {e}") }),
        }
    }

    /// The codec that a `connect` step asks for.
    ///
    /// # Errors
    /// When the axis or parameter it names holds no codec.
    pub fn codec(&self, connect: &Connect) -> Result<Codec, BindingError> {
        match &connect.codec {
            Some(codec) => self.resolve(codec),
            None if connect.profile == Profile::Hfp => Ok(Codec::Msbc),
            None => Ok(self.codec_axis()?.unwrap_or(Codec::Sbc)),
        }
    }

    /// The codec on the axis `codec`, if there is one.
    ///
    /// # Errors
    /// When it holds no codec.
    pub fn codec_axis(&self) -> Result<Option<Codec>, BindingError> {
        self.find("codec").map(|_| self.resolve(&Param::From("codec".into()))).transpose()
    }

    /// The configuration that a `connect` step asks for, if it asks for one.
    ///
    /// # Errors
    /// When an axis or parameter it names holds another kind of value, or the codec cannot be configured so.
    pub fn configuration(&self, connect: &Connect) -> Result<Option<WantedConfiguration>, BindingError> {
        let Some(wanted) = self.asked(connect)? else { return Ok(None) };
        match wanted.misfit(self.codec(connect)?) {
            Some(misfit) => Err(BindingError { name: misfit.key.to_owned(), problem: misfit.what }),
            None => Ok(Some(wanted)),
        }
    }

    /// The same, whether its codec can be so or not.
    pub(crate) fn asked(&self, connect: &Connect) -> Result<Option<WantedConfiguration>, BindingError> {
        let Some(asked) = &connect.configuration else { return Ok(None) };
        Ok(Some(WantedConfiguration {
            rate_hz: self.optional(asked.rate.as_ref())?.map(|rate: Frequency| rate.hertz().round() as u32),
            mode: self.optional(asked.mode.as_ref())?,
            bitpool: self.optional(asked.bitpool.as_ref())?.map(Bitpool::get),
            blocks: self.optional(asked.blocks.as_ref())?.map(Blocks::get),
            subbands: self.optional(asked.subbands.as_ref())?.map(Subbands::get),
            allocation: self.optional(asked.allocation.as_ref())?,
        }))
    }

    /// The value of a parameter that may be left out.
    pub(super) fn optional<T: FromStr<Err: fmt::Display> + Clone>(
        &self,
        parameter: Option<&Param<T>>,
    ) -> Result<Option<T>, BindingError> {
        parameter.map(|parameter| self.resolve(parameter)).transpose()
    }
}
