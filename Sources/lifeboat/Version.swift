// SPDX-License-Identifier: GPL-3.0-or-later

/// The one place that says which Lifeboat this is; the package and the media take it from here.
enum Version {
  static let current = "0.1.0"
}
