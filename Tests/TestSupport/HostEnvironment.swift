// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
public import SystemPackage

/// The host's environment.
public enum HostEnvironment {
  /// An environment variable.
  public static subscript(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
  /// Whether something stands at a path.
  public static func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }
  /// Whether a program is installed.
  public static func has(_ program: String) -> Bool { Tool.isInstalled(program) }
}
