//! Searching for objects (PKCS#11 3.2 §5.7.7 to §5.7.9).

use cryptoki_sys::*;

use super::call::Call;
use super::error::Error;
use super::object::Object;
use super::operations::{SearchOperation, any};

impl Call {
    /// C_FindObjectsInit. The result is fixed here. `filter`: the attributes that an object must have, with these values.
    ///
    /// # Errors
    /// [`Error::OperationActive`], and those of reading the card.
    pub fn find_objects_init<V: AsRef<[u8]>>(&self, filter: &[(CK_ATTRIBUTE_TYPE, V)]) -> Result<(), Error> {
        self.operations().search.begin(|| {
            let mut found = Vec::new();
            for object in self.candidates() {
                if finds(&object, filter)? {
                    found.push(object.handle());
                }
            }
            Ok(SearchOperation { found: found.into_iter() })
        })
    }

    /// C_FindObjects: the next handles, at most `count` of them.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_objects(&self, count: usize) -> Result<Vec<CK_OBJECT_HANDLE>, Error> {
        self.operations().search.with(|search| search.found.by_ref().take(count).collect())
    }

    /// C_FindObjectsFinal.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_objects_final(&self) -> Result<(), Error> {
        self.operations().search.take(any).map(|_| ())
    }
}

/// Whether a search finds an object. Compares first what is known without the card: a browser that searches for classes
/// which no card has must not cause the reading of certificates.
fn finds<V: AsRef<[u8]>>(object: &Object, filter: &[(CK_ATTRIBUTE_TYPE, V)]) -> Result<bool, Error> {
    let fits = |(attribute, value): &(CK_ATTRIBUTE_TYPE, V)| match object.attribute(*attribute) {
        Ok(own) => Ok(own.as_slice() == value.as_ref()),
        Err(Error::AttributeTypeInvalid | Error::AttributeSensitive | Error::ObjectHandleInvalid) => Ok(false),
        Err(error) => Err(error),
    };
    for entry in filter.iter().filter(|(attribute, _)| is_free(*attribute)) {
        if !fits(entry)? {
            return Ok(false);
        }
    }
    if !object.is_visible()? {
        return Ok(false);
    }
    for entry in filter.iter().filter(|(attribute, _)| !is_free(*attribute)) {
        if !fits(entry)? {
            return Ok(false);
        }
    }
    // A CA certificate that had to be read for this may have turned out not to be there.
    object.is_visible()
}

/// Attributes whose value depends on the kind of the object alone.
fn is_free(attribute: CK_ATTRIBUTE_TYPE) -> bool {
    matches!(
        attribute,
        CKA_CLASS
            | CKA_TOKEN
            | CKA_LABEL
            | CKA_KEY_TYPE
            | CKA_CERTIFICATE_TYPE
            | CKA_CERTIFICATE_CATEGORY
            | CKA_PROFILE_ID
            | CKA_SIGN
            | CKA_VERIFY
            | CKA_DECRYPT
            | CKA_ENCRYPT
            | CKA_UNIQUE_ID
    )
}
