//! Readers that come and go (PKCS#11 3.2 §5.5 C_GetSlotList, C_WaitForSlotEvent).

use std::collections::BTreeSet;
use std::ptr::null_mut;

use cryptoki::error::RvError;
use cryptoki::session::UserType;
use cryptoki_sys::{CK_FALSE, CK_SLOT_ID, CK_TRUE, CK_ULONG, CKR_OK};
use jpki_end_to_end::{Key, Objects, OtherReaders, Reader, Stand, VirtualCard, call, is, pin};

/// C_GetSlotList with more room than needed, without asking for the number of slots first.
fn listed() -> Vec<CK_SLOT_ID> {
    let (mut slots, mut count) = ([99; 32], 32);
    assert_eq!(call!(C_GetSlotList(CK_FALSE, slots.as_mut_ptr(), &raw mut count)), CKR_OK);
    slots[..count as usize].to_vec()
}

/// How many slots there are, with a token or in all.
fn number(with_token: bool) -> CK_ULONG {
    let mut count = 0;
    let present = if with_token { CK_TRUE } else { CK_FALSE };
    assert_eq!(call!(C_GetSlotList(present, null_mut(), &raw mut count)), CKR_OK);
    count
}

/// The slots with an event since the last call.
fn events(stand: &Stand) -> BTreeSet<u64> {
    std::iter::from_fn(|| stand.module.client.get_slot_event().unwrap()).map(|slot| slot.id()).collect()
}

#[test]
fn in_a_private_stack_readers_come_and_go() {
    let stand = Stand::new();
    assert_eq!(number(false), 4, "two readers, two slots each");
    let before = listed();
    let other = OtherReaders::plug();
    Reader::First.wait(true);

    // §5.5 C_GetSlotList: the list changes only when NULL is passed for it.
    assert_eq!(listed(), before, "no call has asked for the number of slots since");
    assert_eq!(number(false), 8);
    let after = listed();
    assert_eq!(after[..4], before, "the slots that were there keep their ids");
    assert_eq!(after.len(), 8);
    let slots = Key::ALL.map(|key| stand.module.slot(Reader::Other, key));
    assert!(slots.iter().all(|slot| after[4..].contains(&slot.id())));
    is(stand.module.client.get_token_info(slots[0]), RvError::TokenNotPresent);
    stand.module.logged_in(Key::Auth).sign_well().expect("the reader that was there goes on");

    // The new reader is an event, and so is a card in it.
    let ids = BTreeSet::from(slots.map(|slot| slot.id()));
    assert!(events(&stand).is_superset(&ids), "new slots");
    assert!(events(&stand).is_empty(), "each event once");
    let card = VirtualCard::start(Reader::Other, &[]);
    assert_eq!(events(&stand), ids);
    assert_eq!(number(true), 4);
    let session = stand.module.client.open_ro_session(slots[0]).unwrap();
    session.login(UserType::User, Some(&pin(Key::Auth.pin()))).unwrap();
    session.sign_well().unwrap();
    assert_eq!(card.state().verified, "");

    // The reader goes with its card: the sessions end, and the slots stay, without a token.
    other.unplug();
    Reader::First.wait(true);
    is(session.get_session_info(), RvError::SessionHandleInvalid);
    for slot in slots {
        is(stand.module.client.get_token_info(slot), RvError::TokenNotPresent);
        assert!(!stand.module.client.get_slot_info(slot).unwrap().token_present());
    }
    assert!(events(&stand).is_superset(&ids), "a token that is gone is an event");
    assert_eq!((number(false), number(true)), (8, 2));
    assert_eq!(listed(), after);
    stand.module.logged_in(Key::Auth).sign_well().expect("the reader that was there goes on");
}

#[test]
fn in_a_private_stack_a_reader_has_a_name_in_shift_jis() {
    let stand = Stand::new();
    let other = OtherReaders::plug_as(Reader::ShiftJis);
    Reader::First.wait(true);
    let card = VirtualCard::start(Reader::ShiftJis, &[]);
    assert_eq!((number(false), number(true)), (8, 4));
    let slots = Key::ALL.map(|key| stand.module.slot(Reader::ShiftJis, key));
    for (key, slot) in Key::ALL.into_iter().zip(slots) {
        let session = stand.module.client.open_ro_session(slot).unwrap();
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        session.sign_well().unwrap();
    }
    assert_eq!(card.state().verified, "");
    drop(card);
    Reader::ShiftJis.wait(false);
    assert!(events(&stand).is_superset(&BTreeSet::from(slots.map(|slot| slot.id()))), "a card that went is an event");
    assert_eq!(number(true), 2);
    other.unplug();
}

#[test]
fn in_a_private_stack_two_readers_with_a_long_name_stay_apart() {
    let stand = Stand::new();
    let other = OtherReaders::plug_as(Reader::LongName);
    Reader::First.wait(true);
    let slots = stand.module.client.get_all_slots().unwrap();
    let description = |slot| stand.module.client.get_slot_info(slot).unwrap().slot_description().to_owned();
    let descriptions: BTreeSet<_> = slots.into_iter().map(description).collect();
    assert_eq!(descriptions.len(), 8, "{descriptions:#?}");
    let of_first = descriptions.iter().filter(|text| text.contains("(21120703310203) 00 00 ("));
    assert!(of_first.count() == 2, "{descriptions:#?}");
    other.unplug();
}
