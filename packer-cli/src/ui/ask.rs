//! Questions to a person at a terminal. Whether there is one is known beforehand: nothing here may be called otherwise.

use std::io::{self, BufRead, Write};

use super::Ui;

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// This.
    Given(T),
    /// Nothing: an empty line, or the end of the input.
    Declined,
}

impl Ui {
    /// Asks whether to go on; only a clear yes is one.
    pub(crate) fn confirm(&mut self, question: &str) -> bool {
        matches!(self.ask(&format!("{question} [y/N] ")), Answer::Given(text) if is_yes(&text))
    }

    /// Asks for one of `options`, by number.
    pub(crate) fn choose(&mut self, question: &str, options: &[String]) -> Answer<usize> {
        self.error(question);
        for (number, option) in (1..).zip(options) {
            self.error(&format!("  {number}) {option}"));
        }
        loop {
            let Answer::Given(text) = self.ask(&format!("1-{}, or nothing to leave it: ", options.len()))
            else {
                return Answer::Declined;
            };
            match choice(&text, options.len()) {
                Some(index) => return Answer::Given(index),
                None => self.error(&format!(
                    "{} is not a number from 1 to {}",
                    super::plain(&text),
                    options.len()
                )),
            }
        }
    }

    /// Asks for a text.
    pub(crate) fn ask(&mut self, question: &str) -> Answer<String> {
        self.flush();
        // A question that cannot be shown is answered by nobody: the line below will be empty.
        let _ = self.err.write_all(question.as_bytes()).and_then(|()| self.err.flush());
        let mut line = String::new();
        match io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => {
                self.error("\n");
                Answer::Declined
            }
            Ok(_) => given(&line),
        }
    }
}

fn given(line: &str) -> Answer<String> {
    let text = line.trim();
    if text.is_empty() { Answer::Declined } else { Answer::Given(text.to_owned()) }
}

fn is_yes(text: &str) -> bool {
    text.eq_ignore_ascii_case("y") || text.eq_ignore_ascii_case("yes")
}

fn choice(text: &str, options: usize) -> Option<usize> {
    let number: usize = text.parse().ok()?;
    (1..=options).contains(&number).then(|| number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(["y", "Y", "yes", "YES"].into_iter().all(is_yes));
        assert!(!["", "n", "ye", "yes please", "j"].into_iter().any(is_yes));
        assert_eq!(given("  \n"), Answer::Declined);
        assert_eq!(given(" y \n"), Answer::Given("y".to_owned()));
    }

    #[test]
    fn only_a_listed_number_is_a_choice() {
        assert_eq!(choice("1", 2), Some(0));
        assert_eq!(choice("2", 2), Some(1));
        for bad in ["0", "3", "-1", "x", "99999999999999999999"] {
            assert_eq!(choice(bad, 2), None, "{bad} was taken");
        }
    }
}
