//! The promise as a property: whatever happens between two looks, in whatever order windows are asked, every place in which a secret window
//! could be seen at a look, or since the look before, is covered; and it stays so for as long as pictures may show it.
//!
//! The judge is a desktop of 32x24 pixels that is painted from the top window down and knows nothing of the policy.

use proptest::prelude::*;

use super::fake_tests::{Fake, Nature, area};
use super::*;

const WIDTH: u32 = 32;
const HEIGHT: usize = 24;

/// A set of pixels: a bit each, a word for each row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pixels([u32; HEIGHT]);

impl Pixels {
    const NONE: Self = Self([0; HEIGHT]);

    fn of(area: Area) -> Self {
        let mut pixels = Self::NONE;
        if let Some(inside) = area.inside((WIDTH, HEIGHT as u32)) {
            let row = (inside.x..inside.x + inside.width as i32).fold(0, |row, x| row | 1 << x);
            pixels.0[inside.y as usize..][..inside.height as usize].fill(row);
        }
        pixels
    }

    fn with(self, other: Self) -> Self {
        Self(std::array::from_fn(|y| self.0[y] | other.0[y]))
    }

    fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|y| self.0[y] & !other.0[y]))
    }
}

struct Painted {
    window: WindowId,
    area: Area,
    shown: bool,
    secret: bool,
    opaque: bool,
}

/// The desktop, from the bottom to the top.
#[derive(Default)]
struct Desktop(Vec<Painted>);

impl Desktop {
    /// Where something secret can be seen.
    fn secrets(&self) -> Pixels {
        let (mut seen, mut hidden) = (Pixels::NONE, Pixels::NONE);
        for window in self.0.iter().rev().filter(|window| window.shown) {
            let own = Pixels::of(window.area);
            if window.secret {
                seen = seen.with(own.without(hidden));
            }
            if window.opaque {
                hidden = hidden.with(own);
            }
        }
        seen
    }

    fn restack(&mut self, at: usize, stacking: Stacking) {
        let window = self.0.remove(at);
        let at = match stacking {
            Stacking::Top => self.0.len(),
            Stacking::Bottom => 0,
            Stacking::Above(below) => self.0.iter().position(|known| known.window == below).map_or(0, |at| at + 1),
        };
        self.0.insert(at, window);
    }
}

#[derive(Clone, Copy, Debug)]
enum Order {
    Top,
    Bottom,
    Above(usize),
}

/// What happens; windows by their place in the order, from the bottom.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open {
        area: Area,
        secret: bool,
        opaque: bool,
        shown: bool,
    },
    Show(usize),
    Hide(usize),
    Move(usize, (i32, i32)),
    Place(usize, Area, Order),
    Restack(usize, Order),
    /// It is opaque from now on, or is not any more.
    Turn(usize),
    Close(usize),
    /// Windows are asked, those with a bit in the mask.
    Ask(u8),
    Wait(u64),
    Look,
}

fn areas() -> impl Strategy<Value = Area> {
    (-6..30_i32, -6..22_i32, 1..20_u32, 1..16_u32).prop_map(|(x, y, width, height)| area(x, y, width, height))
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Top), Just(Order::Bottom), (0..8_usize).prop_map(Order::Above)]
}

fn steps() -> impl Strategy<Value = Step> {
    let which = || 0..8_usize;
    prop_oneof![
        4 => (areas(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(area, secret, opaque, shown)| Step::Open { area, secret, opaque, shown }),
        3 => which().prop_map(Step::Show),
        2 => which().prop_map(Step::Hide),
        3 => (which(), -6..30_i32, -6..22_i32).prop_map(|(at, x, y)| Step::Move(at, (x, y))),
        3 => (which(), areas(), orders()).prop_map(|(at, area, order)| Step::Place(at, area, order)),
        3 => (which(), orders()).prop_map(|(at, order)| Step::Restack(at, order)),
        2 => which().prop_map(Step::Turn),
        2 => which().prop_map(Step::Close),
        3 => any::<u8>().prop_map(Step::Ask),
        2 => (1..500_u64).prop_map(Step::Wait),
        4 => Just(Step::Look),
    ]
}

fn nature(secret: bool, opaque: bool) -> Nature {
    Nature { opaque, ..Nature::of(if secret { "KeePassXC" } else { "Editor" }) }
}

/// Both desktops, side by side.
struct Both {
    fake: Fake,
    desktop: Desktop,
    next: u64,
    /// Where something secret was seen since the last look.
    since: Pixels,
    /// What had to be covered at earlier looks.
    earlier: Vec<(MonoNs, Pixels)>,
}

impl Both {
    fn new() -> Self {
        Self { fake: Fake::desktop(), desktop: Desktop::default(), next: 1, since: Pixels::NONE, earlier: Vec::new() }
    }

    fn stacking(&self, order: Order) -> Stacking {
        match order {
            Order::Top => Stacking::Top,
            Order::Bottom => Stacking::Bottom,
            Order::Above(at) => self.desktop.0.get(at).map_or(Stacking::Top, |window| Stacking::Above(window.window)),
        }
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        let at = |at: usize| (at < self.desktop.0.len()).then_some(at);
        match step {
            Step::Open { area, secret, opaque, shown } if self.desktop.0.len() < 8 => {
                let window = WindowId(self.next);
                self.next += 1;
                let new = NewWindow { area, shown, unmanaged: false, client: Some(ClientId(1)), is_new: true };
                self.fake.make(window.0, new, nature(secret, opaque));
                self.desktop.0.push(Painted { window, area, shown, secret, opaque });
            }
            Step::Show(index) => {
                if let Some(at) = at(index) {
                    self.desktop.0[at].shown = true;
                    self.fake.show(self.desktop.0[at].window, false);
                }
            }
            Step::Hide(index) => {
                if let Some(at) = at(index) {
                    self.desktop.0[at].shown = false;
                    self.fake.event(WindowEvent::Hidden(self.desktop.0[at].window));
                }
            }
            Step::Move(index, corner) => {
                if let Some(at) = at(index) {
                    let window = &mut self.desktop.0[at];
                    (window.area.x, window.area.y) = corner;
                    self.fake.event(WindowEvent::Moved { window: window.window, corner });
                }
            }
            Step::Place(index, area, order) => {
                if let Some(at) = at(index) {
                    let (window, stacking) = (self.desktop.0[at].window, self.stacking(order));
                    if stacking != Stacking::Above(window) {
                        self.desktop.0[at].area = area;
                        self.desktop.restack(at, stacking);
                        self.fake.place(window, area, stacking);
                    }
                }
            }
            Step::Restack(index, order) => {
                if let Some(at) = at(index) {
                    let (window, stacking) = (self.desktop.0[at].window, self.stacking(order));
                    if stacking != Stacking::Above(window) {
                        self.desktop.restack(at, stacking);
                        self.fake.event(WindowEvent::Restacked(window, stacking));
                    }
                }
            }
            Step::Turn(index) => {
                if let Some(at) = at(index) {
                    let painted = &mut self.desktop.0[at];
                    painted.opaque = !painted.opaque;
                    let (window, nature) = (painted.window, nature(painted.secret, painted.opaque));
                    self.fake.becomes(window, nature);
                }
            }
            Step::Close(index) => {
                if let Some(at) = at(index) {
                    let window = self.desktop.0.remove(at).window;
                    self.fake.event(WindowEvent::Went { window, into: None });
                }
            }
            Step::Ask(mask) => self.fake.ask(|window| mask & 1 << (window.0 % 8) != 0),
            Step::Wait(ms) => self.fake.wait(ms),
            Step::Look => self.look()?,
            Step::Open { .. } => {}
        }
        self.since = self.since.with(self.desktop.secrets());
        Ok(())
    }

    fn covered(&mut self) -> Pixels {
        let covered = self.fake.look_unasked();
        covered.into_iter().fold(Pixels::NONE, |all, (area, _)| all.with(Pixels::of(area)))
    }

    fn look(&mut self) -> Result<(), TestCaseError> {
        let covered = self.covered();
        let now = self.fake.now;
        let must = std::mem::replace(&mut self.since, Pixels::NONE);
        self.earlier.retain(|(seen, _)| now.since(*seen) < LINGER);
        self.earlier.push((now, must));
        for (seen, must) in &self.earlier {
            let bare = must.without(covered);
            prop_assert_eq!(bare, Pixels::NONE, "of what was seen up to {:?}, at {:?}", seen, now);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whindexa_secret_window_showed_since_the_last_look_is_covered(steps in prop::collection::vec(steps(), 1..80)) {
        let mut both = Both::new();
        for step in steps {
            both.step(step)?;
        }
        both.look()?;
        // When all is quiet, exactly what can be seen is covered.
        both.fake.look_later();
        prop_assert_eq!(both.covered(), both.desktop.secrets());
    }
}
