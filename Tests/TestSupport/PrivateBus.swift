// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// A D-Bus of the test's own, on a socket in a folder of its own.
public enum PrivateBus {
  /// The daemon's package, for messages.
  public static let isInstalled = Tool.isInstalled("dbus-daemon")

  /// Starts a daemon, calls `body` with its address, and ends the daemon however that ends.
  public static func with<Result: Sendable>(
    _ body: @escaping @Sendable (_ address: String) async throws -> Result
  ) async throws -> Result {
    let folder = try TemporaryFolder()
    // Other users connect too.
    try FileTree.setPermissions(folder.path, 0o755)
    let socket = folder.appending("bus")
    let configuration = try folder.write(
      "bus.conf",
      """
      <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
        "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
      <busconfig>
        <listen>unix:path=\(socket)</listen>
        <auth>EXTERNAL</auth>
        <policy context="default">
          <allow user="*"/> <allow own="*"/> <allow send_type="method_call"/> <allow send_type="signal"/>
          <allow send_requested_reply="true" send_type="method_return"/>
          <allow send_requested_reply="true" send_type="error"/>
          <allow receive_type="method_call"/> <allow receive_type="method_return"/> <allow receive_type="error"/>
        </policy>
      </busconfig>
      """)
    // The daemon's words go elsewhere: half a line of them before "ready" would hide it.
    let script = """
      dbus-daemon --config-file="$0" --nofork --nopidfile 2>"$0.log" & daemon=$!
      until [ -S "$1" ] || ! kill -0 $daemon; do sleep 0.05; done
      echo "ready $daemon"
      cat >/dev/null
      kill $daemon
      """
    defer { withExtendedLifetime(folder) {} }
    return try await ExternalCommand("/bin/sh", ["-c", script, configuration.string, socket.string]).serving { _ in
      try await body("unix:path=\(socket)")
    }
  }
}
