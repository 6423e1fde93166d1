//! ACL packets.

use crate::cursor::Cursor;

/// One ACL packet: a fragment of a packet of L2CAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acl<'a> {
    /// The link.
    pub handle: u16,
    /// It goes on with what an earlier one began.
    pub continues: bool,
    /// Its length by its header, in bytes.
    pub length: usize,
    /// What of it was recorded.
    pub data: &'a [u8],
}

impl<'a> Acl<'a> {
    /// Reads a packet; `None` when it is shorter than its header, or longer than the header says.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(packet);
        let (handle, length) = (cursor.le16()?, usize::from(cursor.le16()?));
        let data = cursor.rest();
        (data.len() <= length).then_some(Self {
            handle: handle & 0x0FFF,
            continues: handle >> 12 & 3 == 1,
            length,
            data,
        })
    }
}
