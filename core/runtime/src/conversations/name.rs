use crate::clean::clean_line;

/// The first words of a message, as a name for its conversation: at most 32 characters.
#[must_use]
pub fn first_words(text: &str) -> String {
    const LONGEST: usize = 32;
    let line = clean_line(
        text.lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or(""),
    );
    let line = line.trim();
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let mut words = String::new();
    for word in line.split_whitespace() {
        if words.len() + word.len() >= LONGEST {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    if words.is_empty() {
        line.chars().take(LONGEST - 1).collect::<String>() + "…"
    } else {
        words + "…"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_words() {
        assert_eq!(first_words("\n Hello\nworld"), "Hello");
        assert_eq!(
            first_words("Explain what a prime number is and list the first five."),
            "Explain what a prime number is…"
        );
        assert_eq!(first_words(&"x".repeat(40)), format!("{}…", "x".repeat(31)));
    }
}
