//! Rules for the repository's text that the compiler does not check: the layers of the sources, and the pages that
//! describe them.

mod circles;
mod code;
mod conformance_page;
mod imports;
mod layers;
mod readme;
mod settings_lists;
mod version;
