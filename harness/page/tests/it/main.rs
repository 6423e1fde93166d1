//! The page of a run through its public interface: what is shown, what is missing, what stays text.

mod hostile;
mod missing;
mod room;
mod shown;
mod sound;
mod world;
