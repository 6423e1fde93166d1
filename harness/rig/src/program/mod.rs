//! Programs of the lab as drivers: lines of JSON over their standard input and output, as `docs/command.md` has it. One that is run to its
//! end is run by `once`.

pub(crate) mod once;
mod process;
mod protocol;
mod source;
mod stimulus;
#[cfg(feature = "serial")]
mod switch;

pub(crate) use source::Source;
#[cfg(feature = "serial")]
pub(crate) use switch::Switch;

#[cfg(test)]
mod tests;
