//! The second program at a reader: it sends raw commands to the card, and leaves the card as it is.
//!
//! `raw-apdu READER MODE STEP...` with the modes `shared`, `exclusive`, `transaction` (one around all steps), `reset`
//! (a warm reset first) and `unpower` (a cold one), and the steps: a command in hexadecimal, whose response is printed;
//! `say:WORD`, which is printed; `sleep:MS`; `wait`, until the standard input is closed.

use std::ffi::CString;
use std::io::{self, Read as _, Write as _};
use std::thread::sleep;
use std::time::Duration;

use pcsc::{Card, Context, Disposition, Protocols, Scope, ShareMode};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [reader, mode, steps @ ..] = arguments.as_slice() else { panic!("raw-apdu READER MODE STEP...") };
    let context = Context::establish(Scope::User).expect("a PC/SC service");
    let name = CString::new(reader.as_str()).expect("a reader's name");
    let share = if mode == "exclusive" { ShareMode::Exclusive } else { ShareMode::Shared };
    let mut card = context.connect(&name, share, Protocols::ANY).expect("a connection to the card");
    // Also after a failure: a dropped connection would reset the card.
    let answer = work(&mut card, mode, steps);
    if let Err((card, error)) = card.disconnect(Disposition::LeaveCard) {
        // As above.
        std::mem::forget(card);
        println!("disconnect: {error}");
    }
    answer.expect("the card can be used");
}

fn work(card: &mut Card, mode: &str, steps: &[String]) -> Result<(), pcsc::Error> {
    match mode {
        "shared" | "exclusive" => do_steps(card, steps),
        "transaction" => {
            let transaction = card.transaction()?;
            let answer = do_steps(&transaction, steps);
            transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error)?;
            answer
        }
        "reset" | "unpower" => {
            let how = if mode == "reset" { Disposition::ResetCard } else { Disposition::UnpowerCard };
            card.reconnect(ShareMode::Shared, Protocols::ANY, how)?;
            do_steps(card, steps)
        }
        _ => panic!("unknown mode {mode}"),
    }
}

fn do_steps(card: &Card, steps: &[String]) -> Result<(), pcsc::Error> {
    for step in steps {
        if let Some(word) = step.strip_prefix("say:") {
            print(word);
        } else if let Some(time) = step.strip_prefix("sleep:") {
            sleep(Duration::from_millis(time.parse().expect("milliseconds")));
        } else if step == "wait" {
            // An error ends the wait as well.
            let _ = io::stdin().read_to_end(&mut Vec::new());
        } else {
            let mut buffer = [0; pcsc::MAX_BUFFER_SIZE];
            let response = card.transmit(&bytes(step), &mut buffer)?;
            print(&response.iter().map(|byte| format!("{byte:02X}")).collect::<String>());
        }
    }
    Ok(())
}

fn print(line: &str) {
    println!("{line}");
    io::stdout().flush().expect("somebody reads");
}

fn bytes(digits: &str) -> Vec<u8> {
    let digit = |place: usize| {
        let pair = digits.get(place..place + 2).expect("an even number of digits");
        u8::from_str_radix(pair, 16).expect("a hexadecimal number")
    };
    (0..digits.len()).step_by(2).map(digit).collect()
}
