//! The JPKI application through `card::Application`, over the virtual card and nothing else.

mod certificates;
mod commands;
mod leaving;
mod lies;
mod pins;

use jpki_pkcs11::card::{Application, Error, Quirks};
use jpki_pkcs11::transport::{self, Channel, Ending};
use jpki_virtual_card::{Card, Options, test_identity};
use zeroize::Zeroizing;

/// A card with power, as the module finds it at the start of a transaction.
struct Wire(Card);

impl Channel for Wire {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, transport::Error> {
        self.0.transmit(command).map(Zeroizing::new).ok_or(transport::Error::Removed)
    }
}

fn powered(options: Options) -> Wire {
    let mut card = Card::new(test_identity(), options);
    card.power_on();
    Wire(card)
}

impl Wire {
    /// Selects the application, works with it and leaves it. Returns how the transaction has to end.
    fn work<T>(
        &mut self,
        quirks: &mut Quirks,
        work: impl FnOnce(&mut Application<'_>) -> Result<T, Error>,
    ) -> (Result<T, Error>, Ending) {
        let mut application = match Application::select(self, quirks) {
            Ok(application) => application,
            Err(error) => return (Err(error), Ending::Leave),
        };
        let answer = work(&mut application);
        let ending = application.leave();
        if ending == Ending::PowerDown {
            self.0.power_off();
            self.0.power_on();
        }
        (answer, ending)
    }

    /// The same with a card whose quirks are not known.
    fn first_work<T>(&mut self, work: impl FnOnce(&mut Application<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.work(&mut Quirks::default(), work).0
    }
}
