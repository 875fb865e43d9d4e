//! Replays of the mandatory test cases of the PKCS#11 Profiles 3.2, in a notation of our own. The slot, PIN, key pair
//! and certificate label in them are bound to those of the token under test. If the original shows a value that only
//! its own token has, the replay checks what must hold for every token.

use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{equal, fail, ok, skip, that};
use crate::context::{Context, Keys, Template, attributes, mechanism, number, pointer};
use crate::rsa::Signed;
use crate::verdict::{Outcome, Verdict};

/// One call of a replay, which must answer CKR_OK.
#[derive(Debug, Clone, Copy)]
enum Step {
    Initialize,
    GetInfo,
    /// The length, then the list.
    GetSlotList,
    GetSlotInfo,
    GetTokenInfo,
    /// The length, then the list, then the info of each mechanism.
    GetMechanisms,
    OpenSession(CK_FLAGS),
    Login,
    /// C_FindObjectsInit with CKA_TOKEN, and with the key pair's label and a class if one is given.
    FindInit(Option<CK_OBJECT_CLASS>),
    /// C_FindObjects with room for so many objects; it may find none.
    Find(usize),
    /// C_FindObjects with room for one object, which it must find.
    FindOne,
    FindFinal,
    /// The modulus and the exponent of the object that was found, into buffers of 1024 bytes.
    GetPublicKey,
    /// The length of CKA_LABEL, then its value, of the first object found.
    GetLabel,
    /// The length of CKA_VALUE, then its value, of the first certificate found.
    GetValue,
    /// C_SignInit and C_Sign with SHA256_RSA_PKCS, into a buffer of the size of the signature.
    Sign,
    Logout,
    CloseSession,
    CloseAllSessions,
    Finalize,
}

use Step::*;

/// BL-M-1-32.
const BASELINE: &[Step] = &[
    Initialize,
    GetInfo,
    GetSlotList,
    GetSlotInfo,
    GetTokenInfo,
    OpenSession(0),
    FindInit(None),
    Find(1),
    FindFinal,
    CloseSession,
    CloseAllSessions,
    Finalize,
];

/// EXT-M-1-32.
const EXTENDED: &[Step] = &[
    Initialize,
    GetInfo,
    GetSlotList,
    GetSlotInfo,
    GetTokenInfo,
    GetMechanisms,
    OpenSession(CKF_RW_SESSION),
    Login,
    FindInit(None),
    Find(1),
    FindFinal,
    Logout,
    CloseSession,
    CloseAllSessions,
    Finalize,
];

/// AUTH-M-1-32.
const AUTHENTICATION: &[Step] = &[
    Initialize,
    GetInfo,
    GetSlotList,
    OpenSession(CKF_RW_SESSION),
    Login,
    FindInit(Some(CKO_PUBLIC_KEY)),
    FindOne,
    FindFinal,
    GetPublicKey,
    FindInit(Some(CKO_PRIVATE_KEY)),
    FindOne,
    FindFinal,
    Sign,
    Logout,
    CloseSession,
    CloseAllSessions,
    Finalize,
];

/// CERT-M-1-32. The attributes are read before the search ends.
const PUBLIC_CERTIFICATES: &[Step] = &[
    Initialize,
    GetInfo,
    GetSlotList,
    OpenSession(0),
    FindInit(None),
    Find(5),
    GetLabel,
    GetValue,
    FindFinal,
    CloseSession,
    CloseAllSessions,
    Finalize,
];

pub(crate) fn cases() -> Vec<Case> {
    table! {
        "profile/baseline", "§4.14 CKP_BASELINE_PROVIDER, BL-M-1-32" => |c| replay(c, BASELINE);
        "profile/extended", "§4.14 CKP_EXTENDED_PROVIDER, EXT-M-1-32" => |c| replay(c, EXTENDED);
        "profile/authentication-token", "§4.14 CKP_AUTHENTICATION_TOKEN, AUTH-M-1-32" => |c| replay(c, AUTHENTICATION);
        "profile/public-certificates-token", "§4.14 CKP_PUBLIC_CERTIFICATES_TOKEN, CERT-M-1-32" => |c| {
            // Tokens that hide certificates until login do not claim this profile.
            if !claims(c, CKP_PUBLIC_CERTIFICATES_TOKEN)? {
                return skip("the token does not claim the profile");
            }
            ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
            replay(c, PUBLIC_CERTIFICATES)
        };
        "profile/public-certificates-are-public", "§4.14 CKP_PUBLIC_CERTIFICATES_TOKEN" => |c| {
            if !claims(c, CKP_PUBLIC_CERTIFICATES_TOKEN)? {
                return skip("the token does not claim the profile");
            }
            let certificates = vec![(CKA_CLASS, number(CKO_CERTIFICATE))];
            let session = c.session()?;
            let before = c.find(session, &certificates)?;
            ok("C_Login", c.login(session, CKU_USER)?)?;
            equal("certificates after login", c.find(session, &certificates)?.len(), before.len())
        };
    }
}

fn claims(c: &Context, profile: CK_PROFILE_ID) -> Result<bool, Verdict> {
    let session = c.session()?;
    let filter = vec![(CKA_CLASS, number(CKO_PROFILE)), (CKA_PROFILE_ID, number(profile))];
    Ok(!c.find(session, &filter)?.is_empty())
}

/// What a replay has got so far.
#[derive(Default)]
struct Seen {
    slot: CK_SLOT_ID,
    session: CK_SESSION_HANDLE,
    objects: Vec<CK_OBJECT_HANDLE>,
    /// What the replay is bound to.
    binding: Option<(Template, Keys)>,
}

/// Finds the key pair first, and then replays in a module that is not initialized.
fn replay(c: &mut Context, steps: &[Step]) -> Outcome {
    let mut seen = Seen { slot: c.slot()?, ..Seen::default() };
    if steps.iter().any(|step| matches!(step, Sign)) {
        let (session, keys) = c.ready()?;
        let label = (CKA_LABEL, c.must_get(session, keys.private, CKA_LABEL)?);
        let id = (CKA_ID, c.must_get(session, keys.private, CKA_ID)?);
        keys.public()?;
        let public_label = c.must_get(session, keys.public()?, CKA_LABEL)?;
        // The label is the binding, unless the two keys have different ones.
        seen.binding = Some((vec![if public_label == label.1 { label } else { id }], keys));
    }
    ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
    for (number, step) in steps.iter().enumerate() {
        take(c, &mut seen, *step).map_err(|verdict| match verdict {
            Verdict::Fail(why) => Verdict::Fail(format!("step {}, {step:?}: {why}", number + 1)),
            skip @ Verdict::Skip(_) => skip,
        })?;
    }
    Ok(())
}

fn take(c: &Context, seen: &mut Seen, step: Step) -> Outcome {
    let (m, session) = (c.m, seen.session);
    match step {
        Initialize => ok("C_Initialize", m.C_Initialize(ptr::null_mut())),
        GetInfo => {
            let mut info = CK_INFO::default();
            ok("C_GetInfo", m.C_GetInfo(&raw mut info))?;
            equal("flags", info.flags, 0)?;
            // The original has 3.2, here as in all that the module returns.
            let version = (info.cryptokiVersion.major, info.cryptokiVersion.minor);
            that("cryptokiVersion", version >= m.version())
        }
        GetSlotList => that("the slot of the token is listed", c.slots(true)?.contains(&seen.slot)),
        GetSlotInfo => {
            let mut info = CK_SLOT_INFO::default();
            ok("C_GetSlotInfo", m.C_GetSlotInfo(seen.slot, &raw mut info))?;
            that("CKF_TOKEN_PRESENT", info.flags & CKF_TOKEN_PRESENT != 0)
        }
        GetTokenInfo => {
            let info = c.token_info(seen.slot)?;
            let wanted = CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
            equal("CKF_LOGIN_REQUIRED, CKF_USER_PIN_INITIALIZED, CKF_TOKEN_INITIALIZED", info.flags & wanted, wanted)?;
            // Nothing has happened to the PIN, and no session is open.
            let bad = CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_TO_BE_CHANGED | CKF_ERROR_STATE;
            equal("flags that warn", info.flags & bad, 0)?;
            that("no session is counted", matches!(info.ulSessionCount, 0 | CK_UNAVAILABLE_INFORMATION))?;
            that("ulMinPinLen <= ulMaxPinLen", info.ulMinPinLen <= info.ulMaxPinLen)
        }
        GetMechanisms => get_mechanisms(c, seen.slot),
        OpenSession(flags) => {
            let flags = flags | CKF_SERIAL_SESSION;
            ok("C_OpenSession", m.C_OpenSession(seen.slot, flags, ptr::null_mut(), None, &raw mut seen.session))
        }
        Login => ok("C_Login", c.login(session, CKU_USER)?),
        FindInit(class) => {
            let mut template: Template = vec![(CKA_TOKEN, vec![CK_TRUE])];
            if let (Some(class), Some((binding, _))) = (class, &seen.binding) {
                template.extend(binding.iter().cloned());
                template.push((CKA_CLASS, number(class)));
            }
            let mut entries = attributes(&template);
            ok("C_FindObjectsInit", m.C_FindObjectsInit(session, entries.as_mut_ptr(), entries.len() as CK_ULONG))
        }
        Find(most) => {
            let (mut objects, mut count) = (vec![0; most], 0);
            ok("C_FindObjects", m.C_FindObjects(session, objects.as_mut_ptr(), most as CK_ULONG, &raw mut count))?;
            that("no more than there is room for", count as usize <= most)?;
            objects.truncate(count as usize);
            seen.objects = objects;
            Ok(())
        }
        FindOne => {
            take(c, seen, Find(1))?;
            equal("one object is found", seen.objects.len(), 1)
        }
        FindFinal => ok("C_FindObjectsFinal", m.C_FindObjectsFinal(session)),
        GetPublicKey => get_public_key(c, seen),
        // Each is a size query and then a query for the value.
        GetLabel => {
            let Some(first) = seen.objects.first() else { return fail("no object is found") };
            c.must_get(session, *first, CKA_LABEL).map(|_| ())
        }
        GetValue => {
            for object in &seen.objects {
                if c.must_get(session, *object, CKA_CLASS)? == number(CKO_CERTIFICATE) {
                    let value = c.must_get(session, *object, CKA_VALUE)?;
                    return that("a certificate in DER", value.first() == Some(&0x30));
                }
            }
            fail("no certificate is among the first objects")
        }
        Sign => sign(c, seen),
        Logout => ok("C_Logout", m.C_Logout(session)),
        CloseSession => ok("C_CloseSession", m.C_CloseSession(session)),
        CloseAllSessions => ok("C_CloseAllSessions", m.C_CloseAllSessions(seen.slot)),
        Finalize => ok("C_Finalize", m.C_Finalize(ptr::null_mut())),
    }
}

fn get_mechanisms(c: &Context, slot: CK_SLOT_ID) -> Outcome {
    let mut count = 0;
    ok("C_GetMechanismList", c.m.C_GetMechanismList(slot, ptr::null_mut(), &raw mut count))?;
    let mut list = vec![0; count as usize];
    ok("C_GetMechanismList", c.m.C_GetMechanismList(slot, list.as_mut_ptr(), &raw mut count))?;
    that("there are mechanisms", !list.is_empty())?;
    for kind in list {
        let mut info = CK_MECHANISM_INFO::default();
        ok("C_GetMechanismInfo", c.m.C_GetMechanismInfo(slot, kind, &raw mut info))?;
        that("a mechanism has a use", info.flags & !CKF_HW != 0)?;
        that("ulMinKeySize <= ulMaxKeySize", info.ulMinKeySize <= info.ulMaxKeySize)?;
    }
    Ok(())
}

fn get_public_key(c: &Context, seen: &Seen) -> Outcome {
    let Some((_, keys)) = &seen.binding else { return skip("no key pair") };
    let (mut modulus, mut exponent) = (vec![0; 1024], vec![0; 1024]);
    let entry =
        |type_, value: &mut Vec<u8>| CK_ATTRIBUTE { type_, pValue: value.as_mut_ptr().cast(), ulValueLen: 1024 };
    let mut template = [entry(CKA_MODULUS, &mut modulus), entry(CKA_PUBLIC_EXPONENT, &mut exponent)];
    let rv = c.m.C_GetAttributeValue(seen.session, seen.objects[0], template.as_mut_ptr(), 2);
    ok("C_GetAttributeValue", rv)?;
    modulus.truncate(template[0].ulValueLen as usize);
    exponent.truncate(template[1].ulValueLen as usize);
    equal("CKA_MODULUS", &modulus, &keys.key.modulus)?;
    equal("CKA_PUBLIC_EXPONENT", &exponent, &keys.key.exponent)
}

fn sign(c: &Context, seen: &Seen) -> Outcome {
    let Some((_, keys)) = &seen.binding else { return skip("no key pair") };
    let rv = c.m.C_SignInit(seen.session, &mut mechanism(CKM_SHA256_RSA_PKCS), seen.objects[0]);
    ok("C_SignInit", rv)?;
    c.pin_again(seen.session)?;
    let (mut signature, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
    // As long as the data of the original, a certificate to be signed.
    let data: Vec<u8> = (0..391_u16).map(|byte| byte.to_le_bytes()[0]).collect();
    let (from, size) = pointer(&data);
    ok("C_Sign", c.m.C_Sign(seen.session, from, size, signature.as_mut_ptr(), &raw mut length))?;
    that("the signature is right", keys.key.signed(Signed::Sha256, &data, &signature))
}
