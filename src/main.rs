//! The program: parse, run the verb, print the error with its hint, choose the exit code.

fn main() {}
