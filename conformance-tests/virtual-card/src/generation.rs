//! The generations of the authorities, and when an authority may issue (card-facts §6.4).

use der::DateTime;
use rand::Rng;
use rand::rngs::OsRng;
use x509_cert::serial_number::SerialNumber;

use crate::certificate::years_after;

/// A generation of the authorities: all of one kind share their name, and differ in key, serial number and validity
/// (card-facts §6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaGeneration {
    /// Valid from 2015-10-20 to 2025-10-19: all its certificates have ended.
    First,
    /// Valid from 2019-09-14 to 2029-09-14.
    Second,
    /// Valid from 2023-07-16 to 2033-07-15.
    Third,
}

impl CaGeneration {
    /// The folder for a card of this generation, inside the folder of its identity.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            CaGeneration::First => "ca-2015",
            CaGeneration::Second => "ca-2019",
            CaGeneration::Third => "ca-2023",
        }
    }
}

/// What distinguishes an authority from others of its name, apart from the key.
pub(crate) struct Term {
    pub(crate) serial: SerialNumber,
    pub(crate) from: DateTime,
    pub(crate) last_day: DateTime,
}

impl Term {
    /// The days of a generation. Its serial number is invented if the real one is not 1, because programs take
    /// certificates with the same issuer and serial number for the same certificate.
    pub(crate) fn of(generation: CaGeneration) -> der::Result<Term> {
        let day = |year, month, day| DateTime::new(year, month, day, 0, 0, 0);
        let (serial, from, last_day) = match generation {
            CaGeneration::First => (SerialNumber::new(&[1])?, day(2015, 10, 20)?, day(2025, 10, 19)?),
            CaGeneration::Second => (long_serial()?, day(2019, 9, 14)?, day(2029, 9, 14)?),
            CaGeneration::Third => (long_serial()?, day(2023, 7, 16)?, day(2033, 7, 15)?),
        };
        Ok(Term { serial, from, last_day })
    }

    /// Ten years as in the real certificates, three of them before `now`.
    pub(crate) fn around(now: DateTime) -> der::Result<Term> {
        Ok(Term { serial: serial()?, from: years_after(now, -3)?, last_day: years_after(now, 7)? })
    }

    /// When the holder's certificate is issued: now, or earlier if its five years would outlast the authority. It then
    /// ends with its authority by choice; the real certificates of that generation may have ended sooner.
    pub(crate) fn day_of_issue(&self, now: DateTime) -> der::Result<DateTime> {
        Ok(now.min(years_after(self.last_day, -5)?))
    }
}

/// Three bytes and positive, as on the test card.
pub(crate) fn serial() -> der::Result<SerialNumber> {
    let number: u32 = OsRng.gen_range(0x10_0000..0x80_0000);
    let [_, bytes @ ..] = number.to_be_bytes();
    SerialNumber::new(&bytes)
}

/// Four bytes, as the later authorities have.
fn long_serial() -> der::Result<SerialNumber> {
    let number: u32 = OsRng.gen_range(0x0100_0000..0x0800_0000);
    SerialNumber::new(&number.to_be_bytes())
}
