//! What the card does on each command.

use std::thread;

use rand::RngCore;
use rand::rngs::OsRng;

use crate::apdu::{Answer, Command, Status};
use crate::file_system::{Access, File};
use crate::options::{LeaveBehaviour, Phone};
use crate::pin_kind::PinKind;
use crate::sign::Scheme;
use crate::{Application, Card};

/// The names of the applications (card-facts §1.2).
const NAMES: [(Application, &[u8]); 3] = [
    (Application::Jpki, &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01]),
    (Application::Common, &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00]),
    (Application::IssuerSecurityDomain, &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00]),
];

/// In a P2 that names a file: the selected file.
const CURRENT_FILE: u8 = 0x80;

impl Card {
    /// Executes a command that is not answered by a fault.
    pub(crate) fn execute(&mut self, command: &Command) -> Answer {
        check_class(command.cla)?;
        match (command.cla, command.ins) {
            (0x00, 0xA4) => self.select(command),
            (0x00, 0xB0) => self.read_binary(command),
            (0x00, 0xB2) => self.read_record(command),
            (0x00, 0x20) => self.verify(command),
            (0x00, 0x24) => self.change_reference_data(command),
            (0x00, 0x84) => get_challenge(command),
            (0x00, 0x88) => Err(self.only_inside_an_application(Status::SECURITY_STATUS)),
            (0x00, 0xCA) => self.get_data(command),
            (0x80, 0x2A) => self.sign(command),
            (0x80, 0xA2) => Err(Status::WRONG_LENGTH), // needs a terminal's certificate (card-facts §2, EF 0016)
            (0x80, 0xAE) => Err(self.only_inside_an_application(match self.application {
                Application::Common => Status::NO_SESSION_KEY_ENVIRONMENT,
                _ => Status::SECURITY_STATUS,
            })),
            (0x80, 0xFC) => self.last_command_indicator(),
            _ => Err(Status::UNKNOWN_INSTRUCTION),
        }
    }

    /// `status`, or 6D00 if no application is selected (a guess).
    fn only_inside_an_application(&self, status: Status) -> Status {
        match self.application {
            Application::IssuerSecurityDomain => Status::UNKNOWN_INSTRUCTION,
            _ => status,
        }
    }

    /// SELECT (card-facts §1.3).
    fn select(&mut self, command: &Command) -> Answer {
        if command.extended {
            return Err(Status::WRONG_LENGTH);
        }
        if !matches!(command.p2, 0x00 | 0x0C) {
            return Err(Status::WRONG_PARAMETERS);
        }
        match command.p1 {
            0x00 => self.select_master_file(command.data),
            0x02 => self.select_file(command.data),
            0x04 => self.select_by_name(command),
            _ => Err(Status::WRONG_PARAMETERS),
        }
    }

    /// There is no master file: 6A82 for its identifier; without an identifier 6A86 at first, and inside an application
    /// 9000 without any effect. Single source.
    fn select_master_file(&self, data: &[u8]) -> Answer {
        match self.application {
            _ if !data.is_empty() => Err(Status::NOT_FOUND),
            Application::IssuerSecurityDomain => Err(Status::WRONG_PARAMETERS),
            _ => Ok(Vec::new()),
        }
    }

    fn select_file(&mut self, data: &[u8]) -> Answer {
        let &[high, low] = data else {
            return Err(Status::WRONG_LENGTH);
        };
        let id = u16::from_be_bytes([high, low]);
        self.find(id)?;
        self.file = Some(id);
        Ok(Vec::new())
    }

    /// By name or the beginning of a name. An application other than the selected one locks the PINs (card-facts §4.5).
    /// That an unknown name answers 6A82 and changes nothing is a guess (card-facts §1.3).
    fn select_by_name(&mut self, command: &Command) -> Answer {
        let (application, name) = NAMES
            .into_iter()
            .find(|(_, name)| !command.data.is_empty() && name.starts_with(command.data))
            .ok_or(Status::NOT_FOUND)?;
        if self.options.not_my_number_card || (application == Application::Common && !self.options.common_ap) {
            return Err(Status::NOT_FOUND);
        }
        match (self.options.leave, application) {
            (LeaveBehaviour::Refused | LeaveBehaviour::RefusedAll, Application::IssuerSecurityDomain)
            | (LeaveBehaviour::RefusedAll, Application::Common) => return Err(Status::NOT_FOUND),
            (LeaveBehaviour::Lies, Application::IssuerSecurityDomain) => return Ok(Vec::new()),
            _ => {}
        }
        if application != self.application || self.options.reselect_clears {
            self.pins.clear_verified();
        }
        self.enter(application);
        match command.le {
            Some(le) if command.p2 == 0x00 => Ok(file_control_information(name, le)),
            _ => Ok(Vec::new()),
        }
    }

    /// READ BINARY (card-facts §3).
    fn read_binary(&mut self, command: &Command) -> Answer {
        let Some(le) = command.le.filter(|_| command.data.is_empty()) else {
            return Err(Status::WRONG_LENGTH);
        };
        let offset = if command.p1 & 0x80 == 0 {
            u16::from_be_bytes([command.p1, command.p2])
        } else {
            self.select_short_identifier(command.p1 & 0x7F)?;
            u16::from(command.p2)
        };
        let File::Data { content, access } = self.current_file()? else {
            return Err(Status::WRONG_FILE_TYPE);
        };
        let allowed = match access {
            Access::Free => true,
            Access::Pin(kind) => self.pins.is_verified(*kind),
            Access::Never => false,
        };
        if !allowed {
            return Err(Status::SECURITY_STATUS);
        }
        match content.get(usize::from(offset)..) {
            None | Some([]) => Err(Status::WRONG_OFFSET),
            Some(rest) => Ok(rest.iter().copied().take(le).collect()),
        }
    }

    /// READ RECORD, one record by its number (card-facts §1.4).
    fn read_record(&mut self, command: &Command) -> Answer {
        let Some(le) = command.le.filter(|_| command.data.is_empty()) else {
            return Err(Status::WRONG_LENGTH);
        };
        if command.p2 & 0x07 != 0x04 {
            return Err(Status::WRONG_PARAMETERS);
        }
        match command.p2 >> 3 {
            0 => {}
            short_identifier => self.select_short_identifier(short_identifier)?,
        }
        let File::Records(records) = self.current_file()? else {
            return Err(Status::WRONG_FILE_TYPE);
        };
        let record =
            usize::from(command.p1).checked_sub(1).and_then(|index| records.get(index)).ok_or(Status::NO_RECORD)?;
        Ok(record.iter().copied().take(le).collect())
    }

    /// VERIFY; without data, the query for the tries left (card-facts §4.1, §4.2).
    fn verify(&mut self, command: &Command) -> Answer {
        if command.p1 != 0x00 {
            return Err(Status::WRONG_PARAMETERS);
        }
        if command.le.is_some() || command.extended {
            return Err(Status::WRONG_LENGTH); // the five-byte form is single source
        }
        let kind = self.addressed_pin(command.p2)?;
        if command.data.is_empty() {
            return Err(self.pins.query(kind));
        }
        self.pins.verify(kind, command.data)?;
        Ok(Vec::new())
    }

    /// CHANGE REFERENCE DATA: the new PIN alone, after VERIFY of the old one (card-facts §4.4). That it takes a short
    /// identifier as VERIFY does is a guess.
    fn change_reference_data(&mut self, command: &Command) -> Answer {
        if command.p1 != 0x01 {
            return Err(Status::WRONG_PARAMETERS);
        }
        if command.le.is_some() || command.extended {
            return Err(Status::WRONG_LENGTH);
        }
        let kind = self.addressed_pin(command.p2)?;
        self.pins.change(kind, command.data)?;
        Ok(Vec::new())
    }

    /// COMPUTE DIGITAL SIGNATURE (card-facts §5). That a command without Le or with an extended length gets 6700 is
    /// a guess, and so is the order of the checks.
    fn sign(&mut self, command: &Command) -> Answer {
        let scheme = Scheme::from_p1(command.p1, self.options.pss)?;
        self.address(command.p2)?;
        let &File::Key(kind) = self.current_file()? else {
            return Err(Status::WRONG_FILE_TYPE); // or 6985: a guess
        };
        if !self.pins.is_verified(kind) {
            return Err(Status::SECURITY_STATUS);
        }
        if command.extended || command.le != Some(256) {
            return Err(Status::WRONG_LENGTH);
        }
        let mut signature = scheme.sign(self.identity.key(kind), command.data)?;
        thread::sleep(self.options.sign_delay);
        if let (true, Some(last)) = (self.corrupt_signatures, signature.last_mut()) {
            *last ^= 1;
        }
        Ok(signature)
    }

    /// GET DATA at the level of the card (card-facts §1.4, single source: `mf.rs` of myna-card, which also says that
    /// 0045, 00F0 and 00F2 are digits, that the objects differ from card to card, and that 6A88 is for an absent
    /// object). That 0045 is the number in the record of the common application is a guess. Large objects answer 6700
    /// to a short Le; that these small ones do as well is a guess. Objects with unpublished contents (0042, 0066, 00F7,
    /// 00F8, 7F21) are absent.
    fn get_data(&self, command: &Command) -> Answer {
        let Some(le) = command.le.filter(|_| command.data.is_empty()) else {
            return Err(Status::WRONG_LENGTH);
        };
        let options = &self.options;
        let tag = u16::from_be_bytes([command.p1, command.p2]);
        let object = match (self.application, tag) {
            (_, 0x5F51) => self.contact_atr_without_ts(),
            _ if options.not_my_number_card => return Err(Status::NO_REFERENCED_DATA),
            (Application::IssuerSecurityDomain, 0x0045) => options.serial.as_bytes(),
            (Application::IssuerSecurityDomain, 0x00F0) => options.municipality.as_bytes(),
            (Application::IssuerSecurityDomain, 0x00F2) => options.expiry.as_bytes(),
            _ => return Err(Status::NO_REFERENCED_DATA),
        };
        match object.len() <= le {
            true => Ok(object.to_vec()),
            false => Err(Status::WRONG_LENGTH),
        }
    }

    /// `80 FC 00 00`: an iPhone has it, the plastic card does not (card-facts §6.7, single source).
    fn last_command_indicator(&self) -> Answer {
        match self.options.phone {
            Some(Phone::Iphone) => Ok(Vec::new()),
            _ => Err(Status::WRONG_LENGTH),
        }
    }

    fn find(&self, id: u16) -> Result<&File, Status> {
        self.files.find(self.application, id).ok_or(Status::NOT_FOUND)
    }

    fn current_file(&self) -> Result<&File, Status> {
        self.find(self.file.ok_or(Status::NO_CURRENT_FILE)?)
    }

    /// Selects the file that P2 refers to: `80` is the current file, `80` with a short identifier another one.
    fn address(&mut self, p2: u8) -> Result<(), Status> {
        match p2 {
            CURRENT_FILE => Ok(()),
            0x81.. => self.select_short_identifier(p2 & 0x7F),
            _ => Err(Status::WRONG_PARAMETERS),
        }
    }

    fn select_short_identifier(&mut self, identifier: u8) -> Result<(), Status> {
        if !self.options.short_identifiers || !(0x01..=0x1E).contains(&identifier) {
            return Err(Status::WRONG_PARAMETERS);
        }
        let id = u16::from(identifier);
        self.find(id)?;
        self.file = Some(id);
        Ok(())
    }

    fn addressed_pin(&mut self, p2: u8) -> Result<PinKind, Status> {
        self.address(p2)?;
        match self.current_file()? {
            File::Pin(kind) => Ok(*kind),
            _ => Err(Status::WRONG_FILE_TYPE), // a guess
        }
    }
}

/// Only the basic channel, and no secure messaging (card-facts §1.1, §1.3; single source). 69FC is reported for CLA 08;
/// that the other classes with secure messaging, 04 and 0C, answer the same is a guess, and so is 6E00 for the rest.
fn check_class(cla: u8) -> Result<(), Status> {
    match cla {
        0x00 | 0x80 => Ok(()),
        0x08 | 0x0C | 0x04 => Err(Status::NO_SECURE_MESSAGING),
        0x01..=0x03 | 0x40..=0x7F | 0x81..=0x83 | 0xC0..=0xCF => Err(Status::LOGICAL_CHANNEL),
        _ => Err(Status::UNKNOWN_CLASS),
    }
}

/// GET CHALLENGE: the requested number of bytes, at any time (card-facts §1.4, single source).
fn get_challenge(command: &Command) -> Answer {
    if command.p1 != 0 || command.p2 != 0 {
        return Err(Status::WRONG_PARAMETERS);
    }
    if command.extended {
        return Err(Status::CONDITIONS_OF_USE);
    }
    let Some(le) = command.le.filter(|_| command.data.is_empty()) else {
        return Err(Status::WRONG_LENGTH);
    };
    let mut challenge = vec![0; le];
    OsRng.fill_bytes(&mut challenge);
    Ok(challenge)
}

/// A template that names the application. The other contents of a real card's are not published (card-facts §1.3).
fn file_control_information(name: &[u8], le: usize) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    let mut template = vec![0x6F, length.saturating_add(2), 0x84, length];
    template.extend(name);
    template.truncate(le);
    template
}
