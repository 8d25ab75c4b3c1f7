// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import RecoveryManifest

/// What a build would do: every step once, in an order in which it can be done, and which steps make which medium.
///
///     Manifest ──▶ Planner.stacks ──▶ [LayerStack] ──(apt, outside)──▶ [ResolvedStack]
///         │                                                               │
///         └──────────────▶ Planner.plan ◀── Surroundings ◀────────────────┘
///                               │
///                               ▼
///                   Plan: steps with content keys, media
public struct Plan: Sendable, Equatable {
  /// Every step once; a step stands after those it stands on.
  public var steps: [Step]
  /// The media to be made.
  public var media: [Medium]

  /// One medium: an image for one architecture or for both.
  public struct Medium: Sendable, Equatable {
    /// The image.
    public var image: Image
    /// One system for each architecture.
    public var systems: [System]
    /// The key of the loaders step.
    public var loaders: Digest
    /// The key of the medium step.
    public var key: Digest

    /// `tier1-x64`, or `tier1` where both architectures are on it.
    public var name: String {
      systems.count == 1 ? "\(image.name)-\(systems[0].architecture.rawValue)" : image.name
    }
    /// 16 hexadecimal digits that tell the medium from every other.
    public var identifier: String { String(key.hex.prefix(16)) }
  }

  /// One architecture of a medium, by the keys of its steps.
  public struct System: Sendable, Equatable {
    /// The architecture.
    public var architecture: Architecture
    /// The base, which also holds the kernel.
    public var base: Digest
    /// The initramfs.
    public var initramfs: Digest
    /// The tools layers, bottom first.
    public var tools: [Digest]
    /// The layer with Lifeboat's own program; nil where no tool starts it.
    public var program: Digest?
    /// The settings layer.
    public var settings: Digest

    /// All of them, in the order in which they are made.
    public var steps: [Digest] { [base, initramfs] + tools + (program.map { [$0] } ?? []) + [settings] }
  }

  /// The step with this key.
  public func step(_ key: Digest) -> Step? { steps.first { $0.key == key } }
}
