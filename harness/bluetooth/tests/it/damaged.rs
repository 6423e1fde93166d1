//! Captures of which something is missing: what it is, and that they prove nothing.

use rigtone_bluetooth::{
    capture::{
        Direction::{Received, Sent},
        Format, Kind,
    },
    timeline::{Class, Damage, Side},
};

use crate::{
    build::{Packet, btsnoop, file, head, record},
    recorded::report,
    scene::{HANDLE, Scene},
};

/// What the recorder lost, cut or turned round is said, and the capture proves nothing.
#[test]
fn damage_is_named() {
    let scene = Scene::opened().start().media(0);
    let plain = file(Format::BtsnoopH4, &scene.packets);
    let damage = |more: &[u8]| report(&[plain.as_slice(), more].concat()).proof.damage;
    let next = scene.packets.len() as u64 + 1;
    assert_eq!(damage(&[]), []);
    let later = scene.now + 1000;
    let reset: &[u8] = &[1, 3, 0x0C, 0];
    assert_eq!(damage(&btsnoop(later, 2, 7, 4, reset)), [Damage::Dropped { packets: 7 }]);
    assert_eq!(damage(&btsnoop(later, 2, 0, 9, reset)), [Damage::CutPackets { records: 1, first: next }]);
    assert_eq!(
        damage(&btsnoop(later, 2, 0, 5, &[1, 3, 0x0C, 1, 0, 0])),
        [Damage::Malformed { records: 1, first: next }]
    );
    assert_eq!(damage(&btsnoop(later, 2, 0, 1, &[9])), [Damage::Malformed { records: 1, first: next }]);
    let by_ns = (scene.now - 1000) as i64 * 1000;
    assert_eq!(damage(&btsnoop(1000, 2, 0, 4, reset)), [Damage::OutOfOrder { records: 1, first: next, by_ns }]);
    // What a recorder swapped by a little is no damage; it says how good its times are.
    let swapped = report(&[plain.as_slice(), &btsnoop(scene.now - 3000, 2, 0, 4, reset)].concat());
    assert_eq!((swapped.proof.usable, swapped.capture.swapped_ns), (true, 3_000_000));
    let offset = plain.len() as u64;
    assert_eq!(damage(&btsnoop(later, 2, 0, 4, reset)[..9]), [Damage::CutShort { record: next, offset }]);
}

/// Android may leave media out of its log, or keep only the heads of packets: neither is a speaker that got nothing.
#[test]
fn a_filtered_log_is_recognised() {
    let mut scene = Scene::opened().start();
    let before = scene.packets.len();
    for number in 0..20 {
        scene = scene.media(number).wait(15);
    }
    let is_media = |one: &Packet| one.kind == Kind::Acl;
    let mut without = scene.clone();
    let mut at = 0;
    without.packets.retain(|one| {
        at += 1;
        at <= before || !is_media(one)
    });
    let found = without.report(Format::BtsnoopH4);
    let damage = &found.proof.damage[..];
    assert!(matches!(damage, [Damage::MoreCompleted { sent, completed, .. }] if completed - sent == 20), "{damage:?}");
    let [finding] = &found.links[0].findings[..] else { panic!("{:?}", found.links[0].findings) };
    assert!(finding.class == Class::NoMedia && finding.words.contains("damaged or filtered"), "{finding:?}");

    let mut heads = head(Format::BtsnoopH4);
    for (number, one) in scene.packets.iter().enumerate() {
        let whole = record(Format::BtsnoopH4, one);
        if number < before || !is_media(one) {
            heads.extend(whole);
        } else {
            let kept = &whole[24..24 + 9];
            let received = u32::from(one.direction == Received);
            heads.extend(btsnoop(one.at_us, received, 0, whole.len() as u32 - 24, kept));
        }
    }
    let found = report(&heads);
    assert_eq!(found.proof.damage, [Damage::CutPackets { records: 20, first: before as u64 + 1 }]);
    let media = found.links[0].streams[0].starts[0].media.as_ref().unwrap();
    assert_eq!((media.packets, media.bytes, media.cut, media.seen_as.packets), (20, 20 * 608, 20, 0));
    assert_eq!((media.sequence, media.seen_as.as_agreed), (None, None));
}

#[test]
fn packets_that_do_not_fit_together_are_damage() {
    let begun = [&[0xFF, 0, 67, 0], [0; 20].as_slice()].concat();
    let scene = Scene::opened().start().acl(Sent, false, &begun).media(0).acl(Sent, true, &[1, 2, 3]);
    let of = Side::Host;
    let (adapter, handle) = (0, HANDLE);
    assert_eq!(
        scene.report(Format::BtsnoopH4).proof.damage,
        [Damage::Unfinished { adapter, handle, of, packets: 1 }, Damage::Orphans { adapter, handle, of, fragments: 1 },]
    );
    // More packets reported as sent than there are.
    let scene = Scene::opened().event(0x13, &[1, HANDLE as u8, 0, 1, 0]);
    let damage = scene.report(Format::BtsnoopH4).proof.damage;
    assert!(
        matches!(damage[..], [Damage::MoreCompleted { sent, completed, .. }] if completed == sent + 1),
        "{damage:?}"
    );
}

/// A controller with room for three packets cannot hold four.
#[test]
fn reports_that_are_missing_are_damage() {
    let room = [1, 0x05, 0x10, 0, 0xFD, 3, 0x40, 3, 0, 8, 0];
    let mut scene = Scene::default().event(0x0E, &room).call(100);
    for number in 0..4 {
        let report = scene.report(Format::BtsnoopH4);
        assert!(report.proof.usable, "{number}: {:?}", report.proof);
        scene = scene.acl(Sent, false, &[0, 0, 67, 0]);
    }
    let held = [Damage::FewerCompleted { adapter: 0, handle: HANDLE, held: 4, room: 3 }];
    assert_eq!(scene.report(Format::BtsnoopH4).proof.damage, held);
}
