// SPDX-License-Identifier: GPL-3.0-or-later

extension ISOImage {
  /// A place where some readers show something else than the tree says.
  public enum Note: Sendable, Hashable, CustomStringConvertible {
    /// Joliet, which Windows reads, has 103 UTF-16 units for a name and none of `*/:;?\`: Windows shows another name.
    case jolietName(path: String)
    /// Linux up to 6.6 shows only the first 250 bytes of a name of 254 or 255 (fs/isofs/rock.c).
    case longName(path: String)
    /// Something that libisofs remarked.
    case library(String)

    /// One line for a person.
    public var description: String {
      switch self {
      case .jolietName(let path): "Windows shows \(path.debugDescription) under a shortened or altered name"
      case .longName(let path):
        "older Linux kernels show only the first 250 bytes of the name of \(path.debugDescription)"
      case .library(let text): "libisofs: \(text)"
      }
    }
  }
}
