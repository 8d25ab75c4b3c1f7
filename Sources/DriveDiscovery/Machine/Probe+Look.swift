// SPDX-License-Identifier: GPL-3.0-or-later
package import SystemPackage

extension Probe {
  /// What is on a disk or in an image file, all partitions included; what went wrong is part of the answer.
  package static func look(at path: FilePath) -> Probe { SignatureProbe.read(path) }
}
