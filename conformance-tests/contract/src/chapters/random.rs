//! Random numbers (PKCS#11 3.2 §5.19).

use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, skip, that};
use crate::context::Context;
use crate::memory::Room;

pub(super) fn cases() -> Vec<Case> {
    table! {
        "random/generate", "§5.19 C_GenerateRandom" => |c| {
            let session = with_generator(c)?;
            let mut seen = std::collections::BTreeSet::new();
            for size in [16, 17, 255, 256, 257, 1000] {
                let mut room = Room::new(size);
                ok(&format!("{size} bytes"), c.m.C_GenerateRandom(session, room.pointer(), size as CK_ULONG))?;
                that("no more was written", room.untouched_after(size))?;
                that("other bytes than before", seen.insert(room.first(16).to_vec()))?;
                that("the last bytes were written", room.first(size)[size - 8..] != [0xA5; 8])?;
            }
            Ok(())
        };
        "random/generate-nothing", "§5.19 C_GenerateRandom" => |c| {
            let session = with_generator(c)?;
            let mut room = Room::new(1);
            let may = [CKR_OK, CKR_ARGUMENTS_BAD];
            among("0 bytes", c.m.C_GenerateRandom(session, room.pointer(), 0), &may)?;
            that("nothing was written", room.untouched_after(0))?;
            among("NULL, 0", c.m.C_GenerateRandom(session, ptr::null_mut(), 0), &may)
        };
        "random/generate-null", "§5.19 C_GenerateRandom" => |c| {
            let session = with_generator(c)?;
            is("C_GenerateRandom", c.m.C_GenerateRandom(session, ptr::null_mut(), 16), CKR_ARGUMENTS_BAD)
        };
        "robust/random-huge-length", "§5.19 C_GenerateRandom" => |c| {
            let session = with_generator(c)?;
            let mut room = Room::new(16);
            let rv = c.m.C_GenerateRandom(session, room.pointer(), CK_ULONG::MAX);
            let refused = [CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY, CKR_DATA_LEN_RANGE, CKR_FUNCTION_FAILED];
            among("more than memory has", rv, &refused)?;
            that("nothing was written", room.untouched_after(0))
        };
        "random/without-generator", "§5.19 C_GenerateRandom, CKF_RNG" => |c| {
            let session = c.session()?;
            if c.token_info(c.slot()?)?.flags & CKF_RNG != 0 {
                return skip("the token has a generator");
            }
            let mut room = Room::new(16);
            let rv = c.m.C_GenerateRandom(session, room.pointer(), 16);
            among("C_GenerateRandom", rv, &[CKR_RANDOM_NO_RNG, CKR_FUNCTION_NOT_SUPPORTED])
        };
        "random/seed", "§5.19 C_SeedRandom" => |c| {
            let session = c.session()?;
            let mut seed = *b"a seed of 16 byt";
            let may = [CKR_OK, CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_FUNCTION_NOT_SUPPORTED];
            among("C_SeedRandom", c.m.C_SeedRandom(session, seed.as_mut_ptr(), 16), &may)?;
            let refused = [CKR_ARGUMENTS_BAD, may[1], may[2], may[3]];
            among("NULL", c.m.C_SeedRandom(session, ptr::null_mut(), 16), &refused)?;
            equal("the seed is as it was", &seed, b"a seed of 16 byt")
        };
    }
}

/// A session with a token that has a generator.
fn with_generator(c: &Context) -> Result<CK_SESSION_HANDLE, crate::verdict::Verdict> {
    let session = c.session()?;
    if c.token_info(c.slot()?)?.flags & CKF_RNG == 0 {
        return skip("the token has no generator");
    }
    Ok(session)
}
