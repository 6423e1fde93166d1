//! Error codes and key types in words.

/// What a status or a reason says (volume 1, part F).
pub const fn reason(code: u8) -> &'static str {
    match code {
        0x00 => "success",
        0x02 => "unknown connection",
        0x04 => "page timeout: no answer",
        0x05 => "authentication failure",
        0x06 => "PIN or key missing",
        0x07 => "memory capacity exceeded",
        0x08 => "supervision timeout: the link was lost",
        0x09 => "connection limit exceeded",
        0x0B => "connection already exists",
        0x0C => "command disallowed",
        0x0D => "rejected: limited resources",
        0x0E => "rejected: security",
        0x0F => "rejected: unacceptable address",
        0x10 => "accept timeout",
        0x11 => "unsupported feature",
        0x12 => "invalid parameters",
        0x13 => "ended by the remote user",
        0x14 => "ended by the remote device: low resources",
        0x15 => "ended by the remote device: power off",
        0x16 => "ended by the local host",
        0x17 => "repeated attempts",
        0x18 => "pairing not allowed",
        0x1A => "unsupported remote feature",
        0x1F => "unspecified error",
        0x21 => "role change not allowed",
        0x22 => "LMP response timeout",
        0x23 => "LMP error: transaction collision",
        0x24 => "LMP PDU not allowed",
        0x25 => "encryption mode not acceptable",
        0x26 => "link key cannot be changed",
        0x28 => "instant passed",
        0x29 => "pairing with unit key not supported",
        0x2A => "different transaction collision",
        0x2F => "insufficient security",
        0x35 => "role switch failed",
        0x36 => "response too large",
        0x37 => "simple pairing not supported by the host",
        0x38 => "host busy: pairing",
        0x3A => "controller busy",
        0x3B => "unacceptable connection parameters",
        0x3D => "message integrity check failed",
        0x3E => "connection failed to be established",
        _ => "another reason",
    }
}

/// How a link key came about.
pub const fn key_type(code: u8) -> &'static str {
    match code {
        0 => "combination key",
        1 => "local unit key",
        2 => "remote unit key",
        3 => "debug combination key",
        4 => "unauthenticated key, P-192",
        5 => "authenticated key, P-192",
        6 => "changed combination key",
        7 => "unauthenticated key, P-256",
        8 => "authenticated key, P-256",
        _ => "key of another type",
    }
}
