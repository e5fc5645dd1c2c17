//! Cases that need more than one operation on instances.


