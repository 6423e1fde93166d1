//! Lines decoded by several threads, and given out in their order.

use std::{
    fs::File,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::block::{Block, Blocks, Line};

/// Blocks that wait for a thread, and decoded ones that wait to be taken, for each thread.
const WAITING: usize = 2;
/// More threads than this only wait for each other: the events are judged by one.
const MOST_THREADS: usize = 4;
/// A log up to this size, in bytes, is read before threads have begun.
const SMALL: u64 = 1 << 20;

/// The lines of a log.
#[derive(Debug)]
pub(super) struct Ahead {
    source: Source,
    /// What is left of the block that was taken last.
    lines: std::vec::IntoIter<Line>,
}

#[derive(Debug)]
enum Source {
    /// Decoded when it is asked for.
    Here(Blocks<File>),
    /// Decoded by threads, which have their blocks in turns.
    Threads { blocks: Vec<Receiver<Option<Vec<Line>>>>, turn: usize },
    /// There is no more.
    Ended,
}

impl Ahead {
    pub(super) fn of(file: File) -> Self {
        let large = file.metadata().is_ok_and(|metadata| metadata.len() > SMALL);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let source = if large && threads > 1 { threads_for(file, threads) } else { Source::Here(Blocks::new(file)) };
        Self { source, lines: Vec::new().into_iter() }
    }
}

/// One thread reads and deals blocks out in turns; the others decode. All of them end when nobody takes lines any more. The end of the log is said:
/// a thread that died is none.
fn threads_for(file: File, threads: usize) -> Source {
    let mut dealt: Vec<SyncSender<Option<Block>>> = Vec::new();
    let mut blocks = Vec::new();
    for _ in 0..threads {
        let (deal, given) = sync_channel::<Option<Block>>(WAITING);
        let (decoded, taken) = sync_channel(WAITING);
        thread::spawn(move || {
            for block in given {
                if decoded.send(block.map(Block::decode)).is_err() {
                    return;
                }
            }
        });
        dealt.push(deal);
        blocks.push(taken);
    }
    thread::spawn(move || {
        let mut source = Blocks::new(file);
        for deal in dealt.iter().cycle() {
            let block = source.next();
            let ends = block.is_none();
            if deal.send(block).is_err() || ends {
                return;
            }
        }
    });
    Source::Threads { blocks, turn: 0 }
}

impl Iterator for Ahead {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.lines.next() {
                return Some(line);
            }
            let block = match &mut self.source {
                Source::Here(blocks) => blocks.next().map(Block::decode),
                Source::Threads { blocks, turn } => {
                    let taken = blocks.get(*turn).map(Receiver::recv);
                    *turn = (*turn + 1) % blocks.len();
                    taken.and_then(Result::ok).unwrap_or_else(|| Some(vec![Line::lost()]))
                }
                Source::Ended => None,
            };
            match block {
                Some(block) => self.lines = block.into_iter(),
                None => {
                    self.source = Source::Ended;
                    return None;
                }
            }
        }
    }
}
