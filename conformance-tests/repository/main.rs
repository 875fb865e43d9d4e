//! What the repository's text has to be, beside what the compiler checks: the layers of the sources, and the pages that
//! speak of them.

mod circles;
mod code;
mod conformance_page;
mod imports;
mod layers;
mod readme;
mod settings_lists;
mod version;
