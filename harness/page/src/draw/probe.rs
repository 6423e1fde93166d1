//! Looks into drawings, for their tests.

/// An attribute of each element of a class, in the order in which they were drawn.
pub(super) fn attributes<'a>(html: &'a str, class: &str, name: &str) -> Vec<&'a str> {
    let (class, before) = (format!("class=\"{class}\""), format!(" {name}=\""));
    let tags = html.split('<').filter_map(|part| part.split('>').next());
    let value = |tag: &'a str| tag.split_once(&before)?.1.split('"').next();
    tags.filter(|tag| tag.contains(&class)).filter_map(value).collect()
}
