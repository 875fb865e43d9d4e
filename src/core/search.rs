//! Searching for objects (PKCS#11 3.2 §5.7.7 to §5.7.9).

use cryptoki_sys::*;

use super::error::Error;
use super::module::Module;
use super::object::Object;
use super::operations::{SearchOperation, begin};

impl Module {
    /// C_FindObjectsInit. The result is fixed here. `filter`: the attributes that an object must have, with these values.
    ///
    /// # Errors
    /// [`Error::OperationActive`], and those of reading the card.
    pub fn find_objects_init<V: AsRef<[u8]>>(
        &self,
        session: CK_SESSION_HANDLE,
        filter: &[(CK_ATTRIBUTE_TYPE, V)],
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().search.is_some() {
            return Err(Error::OperationActive);
        }
        let mut found = Vec::new();
        for object in self.candidates(&session.token) {
            if self.finds(&object, filter)? {
                found.push(object.handle());
            }
        }
        begin(&mut session.operations.lock().search, SearchOperation { found: found.into_iter() })
    }

    /// C_FindObjects: the next handles, at most `count` of them.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_objects(&self, session: CK_SESSION_HANDLE, count: usize) -> Result<Vec<CK_OBJECT_HANDLE>, Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let search = operations.search.as_mut().ok_or(Error::OperationNotInitialized)?;
        Ok(search.found.by_ref().take(count).collect())
    }

    /// C_FindObjectsFinal.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn find_objects_final(&self, session: CK_SESSION_HANDLE) -> Result<(), Error> {
        let session = self.session(session)?;
        let search = session.operations.lock().search.take();
        search.map(|_| ()).ok_or(Error::OperationNotInitialized)
    }

    /// Whether a search finds an object. What is known without the card is looked at first: a browser that searches
    /// for classes which no card has must not cause the reading of certificates.
    fn finds<V: AsRef<[u8]>>(&self, object: &Object, filter: &[(CK_ATTRIBUTE_TYPE, V)]) -> Result<bool, Error> {
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
        if !object.is_visible(self)? {
            return Ok(false);
        }
        for entry in filter.iter().filter(|(attribute, _)| !is_free(*attribute)) {
            if !fits(entry)? {
                return Ok(false);
            }
        }
        // A CA certificate that had to be read for this may have turned out not to be there.
        object.is_visible(self)
    }
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
