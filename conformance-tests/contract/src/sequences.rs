//! Random calls from several threads, against a model of what must hold whatever the other threads do.
//!
//! Each thread has sessions of its own, whose digests and searches it follows exactly. The login belongs to all: any
//! thread may log in or out at any time, so a call that depends on the login may have more than one result. A single
//! thread knows the login as well, and with it each return value.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::chapters::ABC;
use crate::check::{UNSUPPORTED, among, equal, is, ok, that};
use crate::context::{Context, mechanism, number, pointer};
use crate::numbers::Numbers;
use crate::rsa::{PublicKey, Signed};
use crate::verdict::{Outcome, Verdict};

const THREADS: u64 = 4;

/// The logouts of all threads, counted before and after each: a search that began earlier may have ended with one.
static LOGOUTS: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn cases() -> Vec<Case> {
    table! {
        "random-calls/one-thread", "§5 all functions" => |c| calls(c, 1);
        "random-calls/several-threads", "§5 all functions, §5.4 C_Initialize" => |c| calls(c, THREADS);
        "robust/finalize-in-the-middle", "§5.4 C_Finalize" => finalize_in_the_middle;
    }
}

/// One session as its thread knows its state.
#[derive(Default)]
struct Own {
    handle: CK_SESSION_HANDLE,
    read_write: bool,
    /// The count of logouts when the digest began, if one is under way: the standard lets a logout end any operation.
    digest: Option<usize>,
    /// The same for a search.
    search: Option<usize>,
}

struct Worker<'a> {
    c: &'a Context,
    slot: CK_SLOT_ID,
    numbers: Numbers,
    sessions: Vec<Own>,
    closed: Vec<CK_SESSION_HANDLE>,
    digests: bool,
    /// Whether the user is logged in; not known if there are other threads.
    logged_in: Option<bool>,
}

fn calls(c: &mut Context, threads: u64) -> Outcome {
    c.start_with_threads()?;
    let slot = c.slot()?;
    c.pin()?;
    let session = c.session()?;
    let digests = !UNSUPPORTED.contains(&c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)));
    let sessions = c.token_info(slot)?.ulSessionCount;
    ok("C_CloseSession", c.m.C_CloseSession(session))?;
    let (module, target) = (c.m, c.target.clone());
    let workers: Vec<_> = (0..threads)
        .map(|number| {
            let target = target.clone();
            thread::spawn(move || {
                let numbers = Numbers::new(target.seed.wrapping_add(number << 32));
                let (c, rounds) = (Context::new(module, target.clone()), target.rounds);
                let logged_in = (threads == 1).then_some(false);
                let mut worker =
                    Worker { c: &c, slot, numbers, sessions: Vec::new(), closed: Vec::new(), digests, logged_in };
                for round in 0..rounds {
                    worker.step().map_err(|verdict| at(number, round, verdict))?;
                }
                worker.sessions.iter().try_for_each(|own| ok("C_CloseSession", c.m.C_CloseSession(own.handle)))
            })
        })
        .collect();
    workers.into_iter().try_for_each(joined)?;
    // All sessions are closed, so nobody is logged in, and the token works as before.
    let session = c.session()?;
    equal("the state of a new session", c.state(session)?, CKS_RO_PUBLIC_SESSION)?;
    equal("ulSessionCount with that session", c.token_info(slot)?.ulSessionCount, sessions)?;
    ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))
}

fn at(thread: u64, round: usize, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Fail(why) => Verdict::Fail(format!("thread {thread}, call {round}: {why}")),
        skip @ Verdict::Skip(_) => skip,
    }
}

fn logouts() -> usize {
    LOGOUTS.load(Ordering::SeqCst)
}

/// No thread has logged out since then, or was logging out at that time.
fn is_sure(begun: usize) -> bool {
    begun % 2 == 0 && begun == logouts()
}

/// The possible results of starting an operation (`own`). The other operation may prevent the start.
fn starts(own: Option<usize>, other: Option<usize>) -> &'static [CK_RV] {
    match (own, other) {
        (None, None) => &[CKR_OK],
        (Some(begun), _) if is_sure(begun) => &[CKR_OPERATION_ACTIVE],
        _ => &[CKR_OK, CKR_OPERATION_ACTIVE],
    }
}

/// The possible results of a call for an operation that may be under way.
fn goes_on(begun: Option<usize>) -> &'static [CK_RV] {
    match begun {
        None => &[CKR_OPERATION_NOT_INITIALIZED],
        Some(begun) if is_sure(begun) => &[CKR_OK],
        Some(_) => &[CKR_OK, CKR_OPERATION_NOT_INITIALIZED],
    }
}

impl Worker<'_> {
    /// One random call, or a few that belong together.
    fn step(&mut self) -> Outcome {
        let m = self.c.m;
        let choice = self.numbers.below(16);
        if self.sessions.is_empty() || choice == 0 && self.sessions.len() < 8 {
            return self.open();
        }
        if choice == 15 {
            return self.close_all();
        }
        let place = self.numbers.below(self.sessions.len());
        let (c, own) = (self.c, &mut self.sessions[place]);
        let session = own.handle;
        match choice {
            1 => {
                ok("C_CloseSession", m.C_CloseSession(session))?;
                self.closed.push(session);
                self.sessions.swap_remove(place);
                self.end_login_with_last_session();
                Ok(())
            }
            2 => {
                let wanted: &[CK_RV] = match self.logged_in {
                    Some(false) => &[CKR_OK],
                    Some(true) => &[CKR_USER_ALREADY_LOGGED_IN],
                    None => &[CKR_OK, CKR_USER_ALREADY_LOGGED_IN],
                };
                among("C_Login", c.login(session, CKU_USER)?, wanted)?;
                self.logged_in = self.logged_in.map(|_| true);
                Ok(())
            }
            3 => {
                // Counted before and after the logout: another thread may read the count in between.
                LOGOUTS.fetch_add(1, Ordering::SeqCst);
                let rv = m.C_Logout(session);
                LOGOUTS.fetch_add(1, Ordering::SeqCst);
                let wanted: &[CK_RV] = match self.logged_in {
                    Some(true) => &[CKR_OK],
                    Some(false) => &[CKR_USER_NOT_LOGGED_IN],
                    None => &[CKR_OK, CKR_USER_NOT_LOGGED_IN],
                };
                among("C_Logout", rv, wanted)?;
                self.logged_in = self.logged_in.map(|_| false);
                Ok(())
            }
            4 => {
                let [public, user] = match own.read_write {
                    true => [CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS],
                    false => [CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS],
                };
                let state = c.state(session)?;
                that(
                    "a state that fits the login",
                    match self.logged_in {
                        Some(logged_in) => state == if logged_in { user } else { public },
                        None => [public, user].contains(&state),
                    },
                )
            }
            5 | 6 if self.digests => {
                let now = logouts();
                let rv = m.C_DigestInit(session, &mut mechanism(CKM_SHA256));
                among("C_DigestInit", rv, starts(own.digest, own.search))?;
                if rv == CKR_OK {
                    own.digest = Some(now);
                }
                Ok(())
            }
            7 | 8 => {
                let rv = m.C_DigestUpdate(session, ABC.as_ptr().cast_mut(), 3);
                among("C_DigestUpdate", rv, goes_on(own.digest))
            }
            9 => {
                let (mut room, mut length) = ([0; 32], 32);
                let rv = m.C_DigestFinal(session, room.as_mut_ptr(), &raw mut length);
                among("C_DigestFinal", rv, goes_on(own.digest.take()))
            }
            10 => Self::search(c, own),
            11 => Self::end_search(c, own),
            12 => Self::sign(c, session, self.logged_in),
            13 => Self::attributes(c, session),
            _ => self.closed_handle(),
        }
    }

    fn open(&mut self) -> Outcome {
        let read_write = self.numbers.below(2) == 0;
        let flags = CKF_SERIAL_SESSION | if read_write { CKF_RW_SESSION } else { 0 };
        let mut handle = CK_INVALID_HANDLE;
        let rv = self.c.m.C_OpenSession(self.slot, flags, ptr::null_mut(), None, &raw mut handle);
        ok("C_OpenSession", rv)?;
        that("another handle for each session", self.sessions.iter().all(|other| other.handle != handle))?;
        // The standard allows a module to give a handle again.
        self.closed.retain(|closed| *closed != handle);
        self.sessions.push(Own { handle, read_write, ..Own::default() });
        Ok(())
    }

    /// C_CloseAllSessions, if there are no other threads: it would close their sessions as well.
    fn close_all(&mut self) -> Outcome {
        if self.logged_in.is_none() {
            return Ok(());
        }
        ok("C_CloseAllSessions", self.c.m.C_CloseAllSessions(self.slot))?;
        self.closed.extend(self.sessions.drain(..).map(|own| own.handle));
        self.end_login_with_last_session();
        Ok(())
    }

    /// The login ends with the last session.
    fn end_login_with_last_session(&mut self) {
        if self.sessions.is_empty() {
            self.logged_in = self.logged_in.map(|_| false);
        }
    }

    /// CKA_CLASS of all objects that a new session sees.
    fn attributes(c: &Context, session: CK_SESSION_HANDLE) -> Outcome {
        c.still_there(session)?;
        let other = c.open(0)?;
        let close = || ok("C_CloseSession", c.m.C_CloseSession(other));
        let objects = match c.find(other, &Vec::new()) {
            // Ended by a logout.
            Err(Verdict::Fail(why)) if why.contains("OPERATION_NOT_INITIALIZED") => return close(),
            objects => objects?,
        };
        for object in objects {
            match c.get(other, object, CKA_CLASS) {
                Ok(class) => equal("the length of CKA_CLASS", class.len(), size_of::<CK_ULONG>())?,
                // Hidden by a logout.
                Err(rv) => is("C_GetAttributeValue", rv, CKR_OBJECT_HANDLE_INVALID)?,
            }
        }
        close()
    }

    fn search(c: &Context, own: &mut Own) -> Outcome {
        let now = logouts();
        let rv = c.m.C_FindObjectsInit(own.handle, ptr::null_mut(), 0);
        among("C_FindObjectsInit", rv, starts(own.search, own.digest))?;
        if rv == CKR_OK {
            own.search = Some(now);
        }
        Ok(())
    }

    fn end_search(c: &Context, own: &mut Own) -> Outcome {
        let (mut object, mut count) = (0, 0);
        let first = c.m.C_FindObjects(own.handle, &raw mut object, 1, &raw mut count);
        let last = c.m.C_FindObjectsFinal(own.handle);
        let wanted = goes_on(own.search.take());
        among("C_FindObjects", first, wanted)?;
        that("at most one object", first != CKR_OK || count <= 1)?;
        among("C_FindObjectsFinal", last, wanted)
    }

    /// A signature, which a logout in another thread may end at any moment. If there is one, it is right.
    fn sign(c: &Context, session: CK_SESSION_HANDLE, logged_in: Option<bool>) -> Outcome {
        let gone =
            [CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED, CKR_OBJECT_HANDLE_INVALID];
        let answers = [&gone[..], &[CKR_OK]].concat();
        let other = c.open(0)?;
        let close = || ok("C_CloseSession", c.m.C_CloseSession(other));
        c.still_there(session)?;
        let mut filter = vec![(CKA_CLASS, number(CKO_PRIVATE_KEY))];
        filter.extend(c.target.key_label.clone().map(|label| (CKA_LABEL, label.into_bytes())));
        let keys = match c.find(other, &filter) {
            // Ended by a logout.
            Err(Verdict::Fail(why)) if why.contains("OPERATION_NOT_INITIALIZED") => return close(),
            keys => keys?,
        };
        that("a key is seen after login, and only then", logged_in.is_none_or(|so| so != keys.is_empty()))?;
        let Some(key) = keys.first() else { return close() };
        let public = |attribute| c.get(other, *key, attribute);
        let public = (public(CKA_MODULUS), public(CKA_PUBLIC_EXPONENT));
        // A key that asks for the PIN at each signature is left out: a logout may end the signature before the PIN.
        if c.get(other, *key, CKA_ALWAYS_AUTHENTICATE) == Ok(vec![CK_TRUE]) {
            return close();
        }
        let rv = c.m.C_SignInit(other, &mut mechanism(CKM_SHA256_RSA_PKCS), *key);
        if rv == CKR_OK {
            let (mut room, mut length, (data, size)) = ([0; 1024], 1024, pointer(ABC));
            let rv = c.m.C_Sign(other, data, size, room.as_mut_ptr(), &raw mut length);
            among("C_Sign", rv, if logged_in.is_some() { &[CKR_OK] } else { &answers })?;
            if let (CKR_OK, (Ok(modulus), Ok(exponent))) = (rv, public) {
                let signature = &room[..(length as usize).min(room.len())];
                let key = PublicKey { modulus, exponent };
                that("the signature is right", key.signed(Signed::Sha256, ABC, signature))?;
            }
        } else if !UNSUPPORTED.contains(&rv) {
            among("C_SignInit", rv, &gone)?;
        }
        close()
    }

    /// Handles of sessions that this thread has closed. Another thread may have got them since.
    fn closed_handle(&mut self) -> Outcome {
        let mut info = CK_SESSION_INFO::default();
        let may = [CKR_SESSION_HANDLE_INVALID, CKR_OK];
        for handle in self.closed.iter().rev().take(3) {
            let rv = self.c.m.C_GetSessionInfo(*handle, &raw mut info);
            among("C_GetSessionInfo of a closed session", rv, if self.logged_in.is_some() { &may[..1] } else { &may })?;
        }
        Ok(())
    }
}

/// Threads go on calling while another one finalizes: whatever they get, nothing crashes, and the module starts anew.
fn finalize_in_the_middle(c: &mut Context) -> Outcome {
    for _ in 0..5 {
        c.start_with_threads()?;
        let slot = c.slot()?;
        let session = c.session()?;
        let module = c.m;
        let callers: Vec<_> = (0..THREADS)
            .map(|_| {
                thread::spawn(move || {
                    let (mut info, mut token) = (CK_SESSION_INFO::default(), CK_TOKEN_INFO::default());
                    let ended = [CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID];
                    let searches = [&ended[..], &[CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED]].concat();
                    for _ in 0..200 {
                        among("C_GetSessionInfo", module.C_GetSessionInfo(session, &raw mut info), &ended)?;
                        among("C_GetTokenInfo", module.C_GetTokenInfo(slot, &raw mut token), &ended)?;
                        among("C_FindObjectsInit", module.C_FindObjectsInit(session, ptr::null_mut(), 0), &searches)?;
                        among("C_FindObjectsFinal", module.C_FindObjectsFinal(session), &searches)?;
                    }
                    Ok(())
                })
            })
            .collect();
        thread::sleep(std::time::Duration::from_millis(5));
        ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
        callers.into_iter().try_for_each(joined)?;
    }
    Ok(())
}

fn joined(thread: thread::JoinHandle<Outcome>) -> Outcome {
    thread.join().unwrap_or_else(|_| Err(Verdict::Fail("a thread of the suite panicked".into())))
}
