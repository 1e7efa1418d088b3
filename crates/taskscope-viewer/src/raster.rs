//! egui's triangles into pixels, on the processor.
//!
//! A picture of the window must be possible on a machine with neither GPU nor
//! display, and be the same to the byte each time. egui's output is small: a
//! list of triangles with a colour and a texture position at each corner, and
//! the textures, of which the letters are one. So this draws them the way egui's
//! own painters do: colours are blended as they stand (in gamma space, alpha
//! multiplied in), textures are sampled between their four nearest pixels.
//!
//! A pixel belongs to a triangle when its centre does. A centre exactly on an
//! edge belongs to the triangle whose top or left edge that is, so that two
//! triangles that share an edge never draw a pixel twice. Corners are rounded
//! to 1/256 of a pixel and edges computed in whole numbers: nothing depends on
//! how a processor rounds.

use std::collections::HashMap;
use std::ops::Range;

use egui::epaint::{ClippedPrimitive, ImageDelta, Primitive, Vertex};
use egui::{Color32, ColorImage, ImageData, Mesh, Pos2, Rect, TextureId, TexturesDelta};

/// Sub-pixel steps per pixel.
const STEPS: f32 = 256.0;

/// Draws egui's output, and keeps its textures from frame to frame.
#[derive(Default)]
pub(crate) struct Rasterizer {
    textures: HashMap<TextureId, ColorImage>,
}

impl Rasterizer {
    /// Takes over changed textures. Must see every frame's changes.
    pub(crate) fn update(&mut self, delta: &TexturesDelta) {
        for (&id, images) in &delta.set {
            for image in images {
                self.set(id, image);
            }
        }
        for id in &delta.free {
            self.textures.remove(id);
        }
    }

    fn set(&mut self, id: TextureId, delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let Some([left, top]) = delta.pos else {
            self.textures.insert(id, (**image).clone());
            return;
        };
        let Some(texture) = self.textures.get_mut(&id) else { return };
        let [width, height] = image.size;
        for row in 0..height {
            let from = row * width;
            let to = (top + row) * texture.size[0] + left;
            let source = &image.pixels[from..from + width];
            texture.pixels[to..to + width].copy_from_slice(source);
        }
    }

    /// Draws a frame of `size` pixels.
    pub(crate) fn draw(
        &self,
        size: [usize; 2],
        pixels_per_point: f32,
        primitives: &[ClippedPrimitive],
    ) -> ColorImage {
        let mut target = ColorImage::filled(size, Color32::BLACK);
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            // Callbacks draw with the GPU; the window has none.
            let Primitive::Mesh(mesh) = primitive else { continue };
            let Some(texture) = self.textures.get(&mesh.texture_id) else { continue };
            let clip = Clip::new(*clip_rect, pixels_per_point, size);
            draw_mesh(&mut target, mesh, texture, clip, pixels_per_point);
        }
        target
    }
}

/// The pixels that may be drawn on: from the first to before the last.
#[derive(Clone, Copy)]
struct Clip {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Clip {
    fn new(rect: Rect, pixels_per_point: f32, size: [usize; 2]) -> Self {
        let bound = |points: f32, most: usize| {
            ((points * pixels_per_point).round() as i64).clamp(0, most as i64)
        };
        Self {
            left: bound(rect.min.x, size[0]),
            top: bound(rect.min.y, size[1]),
            right: bound(rect.max.x, size[0]),
            bottom: bound(rect.max.y, size[1]),
        }
    }
}

fn draw_mesh(
    target: &mut ColorImage,
    mesh: &Mesh,
    texture: &ColorImage,
    clip: Clip,
    pixels_per_point: f32,
) {
    for corners in mesh.indices.chunks_exact(3) {
        let vertex = |n: usize| mesh.vertices.get(corners[n] as usize);
        let (Some(&a), Some(&b), Some(&c)) = (vertex(0), vertex(1), vertex(2)) else { continue };
        let triangle = Triangle::new([a, b, c], pixels_per_point);
        if let Some(triangle) = triangle {
            triangle.draw(target, texture, clip);
        }
    }
}

/// A place in 1/256 pixels.
#[derive(Clone, Copy, PartialEq)]
struct Point {
    x: i64,
    y: i64,
}

/// Twice the area between an edge and a point; positive on its inner side.
fn cross(from: Point, to: Point, point: Point) -> i64 {
    (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x)
}

/// On which side of an edge the pixels of a row are: twice the area between the edge and the centre
/// of a pixel, which grows by the same step from each pixel to the next.
#[derive(Clone, Copy)]
struct Side {
    /// Of the pixel at 0.
    first: i64,
    step: i64,
    /// From here on a pixel is inside.
    least: i64,
}

impl Side {
    fn at(self, x: i64) -> i64 {
        self.first + x * self.step
    }

    /// Those of the pixels that are inside.
    fn narrow(self, range: Range<i64>) -> Range<i64> {
        let missing = self.least - self.first;
        match self.step {
            0 if missing > 0 => range.start..range.start,
            0 => range,
            // The first that is inside: rounded up.
            step if step > 0 => range.start.max(-(-missing).div_euclid(step))..range.end,
            // The last that is inside.
            step => range.start..range.end.min((-missing).div_euclid(-step) + 1),
        }
    }
}

struct Triangle {
    points: [Point; 3],
    vertices: [Vertex; 3],
    area: i64,
}

impl Triangle {
    /// `None` for one without area.
    fn new(mut vertices: [Vertex; 3], pixels_per_point: f32) -> Option<Self> {
        let point = |vertex: Vertex| Point {
            x: (vertex.pos.x * pixels_per_point * STEPS).round() as i64,
            y: (vertex.pos.y * pixels_per_point * STEPS).round() as i64,
        };
        let mut points = vertices.map(point);
        let mut area = cross(points[0], points[1], points[2]);
        if area < 0 {
            points.swap(1, 2);
            vertices.swap(1, 2);
            area = -area;
        }
        (area > 0).then_some(Self { points, vertices, area })
    }

    fn draw(&self, target: &mut ColorImage, texture: &ColorImage, clip: Clip) {
        let steps = STEPS as i64;
        let [xs, ys] = [self.points.map(|p| p.x), self.points.map(|p| p.y)];
        let first = |values: [i64; 3], least: i64| {
            (values.into_iter().min().unwrap_or(0).div_euclid(steps)).max(least)
        };
        let last = |values: [i64; 3], most: i64| {
            (values.into_iter().max().unwrap_or(0).div_euclid(steps) + 1).min(most)
        };
        let width = target.size[0];
        let uniform = self.uniform(texture);
        for y in first(ys, clip.top)..last(ys, clip.bottom) {
            let sides = self.sides(y);
            let all = first(xs, clip.left)..last(xs, clip.right);
            let inside = sides.iter().fold(all, |range, side| side.narrow(range));
            if inside.is_empty() {
                continue;
            }
            let row = y as usize * width;
            let pixels = &mut target.pixels[row + inside.start as usize..row + inside.end as usize];
            match uniform {
                Some(colour) if colour.is_opaque() => pixels.fill(colour),
                Some(colour) => pixels.iter_mut().for_each(|pixel| *pixel = blend(*pixel, colour)),
                None => {
                    for (x, pixel) in inside.zip(pixels) {
                        let weight = |side: Side| side.at(x) as f32 / self.area as f32;
                        *pixel = blend(*pixel, self.colour(sides.map(weight), texture));
                    }
                }
            }
        }
    }

    /// The three edges as the centres of a row of pixels see them, each opposite to its corner.
    fn sides(&self, y: i64) -> [Side; 3] {
        let steps = STEPS as i64;
        let first = Point { x: steps / 2, y: y * steps + steps / 2 };
        let [a, b, c] = self.points;
        [(b, c), (c, a), (a, b)].map(|(from, to)| {
            // With y downwards and the inside on the right, a top edge runs to
            // the right and a left edge runs up.
            let top_or_left = (from.y == to.y && to.x > from.x) || to.y < from.y;
            Side {
                first: cross(from, to, first),
                step: (from.y - to.y) * steps,
                least: if top_or_left { 0 } else { 1 },
            }
        })
    }

    /// The colour, where it is the same all over: most of the window.
    fn uniform(&self, texture: &ColorImage) -> Option<Color32> {
        let [a, b, c] = self.vertices;
        let same = a.color == b.color && b.color == c.color && a.uv == b.uv && b.uv == c.uv;
        same.then(|| multiply(a.color.to_array().map(f32::from), sample(texture, a.uv)))
    }

    fn colour(&self, weights: [f32; 3], texture: &ColorImage) -> Color32 {
        let mut colour = [0.0; 4];
        let mut uv = Pos2::ZERO;
        for (weight, vertex) in weights.into_iter().zip(self.vertices) {
            for (sum, part) in colour.iter_mut().zip(vertex.color.to_array()) {
                *sum += weight * f32::from(part);
            }
            uv += weight * vertex.uv.to_vec2();
        }
        multiply(colour, sample(texture, uv))
    }
}

/// The texture between its four pixels nearest to `uv`, each part up to 255.
fn sample(texture: &ColorImage, uv: Pos2) -> [f32; 4] {
    let [width, height] = texture.size;
    let axis = |position: f32, size: usize| {
        let place = position * size as f32 - 0.5;
        let most = size.saturating_sub(1);
        let first = (place.floor().max(0.0) as usize).min(most);
        (first, (first + 1).min(most), (place - first as f32).clamp(0.0, 1.0))
    };
    let (left, right, across) = axis(uv.x, width);
    let (top, bottom, down) = axis(uv.y, height);
    let mut sum = [0.0; 4];
    for (x, y, share) in [
        (left, top, (1.0 - across) * (1.0 - down)),
        (right, top, across * (1.0 - down)),
        (left, bottom, (1.0 - across) * down),
        (right, bottom, across * down),
    ] {
        if share > 0.0
            && let Some(pixel) = texture.pixels.get(y * width + x)
        {
            for (sum, part) in sum.iter_mut().zip(pixel.to_array()) {
                *sum += share * f32::from(part);
            }
        }
    }
    sum
}

fn multiply(a: [f32; 4], b: [f32; 4]) -> Color32 {
    let [r, g, b, a] = std::array::from_fn(|n| (a[n] * b[n] / 255.0).round() as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}

/// `over`, whose alpha is multiplied in already, on top of `under`.
fn blend(under: Color32, over: Color32) -> Color32 {
    let rest = u32::from(255 - over.a());
    let [r, g, b, a] = std::array::from_fn(|n| {
        let kept = (u32::from(under.to_array()[n]) * rest + 127) / 255;
        (u32::from(over.to_array()[n]) + kept).min(255) as u8
    });
    Color32::from_rgba_premultiplied(r, g, b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [usize; 2] = [16, 16];

    fn draw(mesh: Mesh) -> ColorImage {
        let mut rasterizer = Rasterizer::default();
        rasterizer.textures.insert(mesh.texture_id, ColorImage::filled([1, 1], Color32::WHITE));
        let clip_rect = Rect::EVERYTHING;
        let primitive = ClippedPrimitive { clip_rect, primitive: Primitive::Mesh(mesh) };
        rasterizer.draw(SIZE, 1.0, &[primitive])
    }

    fn area(image: &ColorImage, colour: Color32) -> usize {
        image.pixels.iter().filter(|&&pixel| pixel == colour).count()
    }

    #[test]
    fn a_rectangle_covers_its_pixels_once() {
        let half = Color32::from_rgba_premultiplied(64, 0, 0, 128);
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(Rect::from_min_max([2.0, 3.0].into(), [12.0, 9.0].into()), half);
        let image = draw(mesh);
        // Drawn twice anywhere, the shared diagonal would be brighter.
        assert_eq!(area(&image, Color32::from_rgb(64, 0, 0)), 60);
        assert_eq!(area(&image, Color32::BLACK), 256 - 60);
    }

    #[test]
    fn neighbours_neither_overlap_nor_leave_a_gap() {
        let half = Color32::from_rgba_premultiplied(0, 64, 0, 128);
        let mut mesh = Mesh::default();
        for column in 0..8 {
            let x = column as f32 * 1.37;
            let corners = ([x, 0.0].into(), [x + 1.37, 16.0].into());
            mesh.add_colored_rect(Rect::from_min_max(corners.0, corners.1), half);
        }
        let image = draw(mesh);
        assert_eq!(area(&image, Color32::from_rgb(0, 64, 0)), 11 * 16);
    }

    #[test]
    fn turning_a_triangle_round_changes_nothing() {
        let corners = [[1.3, 2.2], [13.9, 4.1], [6.0, 14.7]];
        let mesh = |order: [usize; 3]| {
            let mut mesh = Mesh::default();
            for corner in order {
                mesh.colored_vertex(corners[corner].into(), Color32::LIGHT_BLUE);
            }
            mesh.add_triangle(0, 1, 2);
            draw(mesh)
        };
        assert_eq!(mesh([0, 1, 2]), mesh([2, 1, 0]));
        assert!(area(&mesh([0, 1, 2]), Color32::LIGHT_BLUE) > 50);
    }
}
