/// `TopicId` -> `topic_id`, `ISRNodes` -> `isr_nodes`; words of Rust get `r#` before them.
pub(super) fn field(name: &str) -> String {
    let snake = module(name);
    match snake.as_str() {
        "type" | "match" | "ref" | "move" | "where" | "use" | "loop" | "final" | "virtual" => {
            format!("r#{snake}")
        }
        _ => snake,
    }
}

/// `FetchRequest` -> `fetch_request`.
pub(super) fn module(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 8);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let word_starts = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if word_starts {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snake_case() {
        assert_eq!(module("FetchRequest"), "fetch_request");
        assert_eq!(field("TopicId"), "topic_id");
        assert_eq!(field("ISRNodes"), "isr_nodes");
        assert_eq!(field("ResultsByTopicV3AndBelow"), "results_by_topic_v3_and_below");
        assert_eq!(field("Type"), "r#type");
        assert_eq!(field("Match"), "r#match");
    }
}
