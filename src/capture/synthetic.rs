//! The built-in moving desktop with a frame barcode and scripted input.
