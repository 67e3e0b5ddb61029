//! Draws many points of a lane as few.

use super::layout::MOST_POINTS;
use super::values::{DETAILS, Look, Point, Trail};

/// So many of a kind in a row are drawn each for itself.
const FEW: usize = 3;

/// The points of a lane; where they are many, those of one name in a row are one.
pub fn gathered(points: Vec<Point>) -> Vec<Point> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let mut gathered = Vec::new();
    let mut rest = points.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut others = Vec::new();
        while let Some(next) = rest.next_if(|next| is_of_a_kind(&first, next)) {
            others.push(next);
        }
        match others.last() {
            Some(last) if others.len() >= FEW => {
                let count = others.len() + 1;
                let texts = [(); DETAILS].map(|()| format!("{} ×{count}", name(&first)));
                let trail = Some(Trail::Repeats(last.at));
                gathered.push(Point { count, trail, texts, ..first });
            }
            _ => {
                gathered.push(first);
                gathered.extend(others);
            }
        }
    }
    gathered
}

/// Whether both are points of one name that say nothing more than that.
fn is_of_a_kind(one: &Point, next: &Point) -> bool {
    let is_plain = |point: &Point| point.trail.is_none() && point.count == 1;
    is_plain(one)
        && is_plain(next)
        && matches!(one.look, Look::Command | Look::Plain)
        && (one.look, one.weight, name(one)) == (next.look, next.weight, name(next))
}

/// With its sign, such as `SET (not run)`.
fn name(point: &Point) -> &str {
    &point.texts[DETAILS - 1]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::values::Weight;
    use super::*;

    fn point(at: u64, name: &str, look: Look) -> Point {
        Point {
            at: Duration::from_millis(at),
            count: 1,
            trail: None,
            texts: [&format!("{name} key:{at}"), name, name, name].map(str::to_owned),
            look,
            weight: Weight::Write,
            is_about_work: false,
        }
    }

    fn texts(points: Vec<Point>) -> Vec<String> {
        gathered(points).into_iter().map(|point| point.texts[0].clone()).collect()
    }

    #[test]
    fn many_commands_of_one_name_are_one_point() {
        let mut points: Vec<Point> = (0..40).map(|at| point(at, "SADD", Look::Command)).collect();
        points.push(point(40, "GET", Look::Command));
        assert_eq!(texts(points), ["SADD ×40", "GET key:40"]);
    }

    #[test]
    fn few_points_are_drawn_each_for_itself() {
        let points = (0..8).map(|at| point(at, "SADD", Look::Command)).collect();
        assert_eq!(texts(points).len(), 8);
    }

    #[test]
    fn what_was_not_run_is_not_among_what_was() {
        let names = ["SET", "SET (not run)"].into_iter().cycle();
        let points = (0..40).zip(names).map(|(at, name)| point(at, name, Look::Command)).collect();
        assert_eq!(texts(points).len(), 40);
    }

    #[test]
    fn what_was_refused_is_drawn_for_itself() {
        let points = (0..40).map(|at| point(at, "SADD", Look::Bad)).collect();
        assert_eq!(texts(points).len(), 40);
    }
}
