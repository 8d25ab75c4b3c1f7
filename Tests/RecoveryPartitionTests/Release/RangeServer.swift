// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// A web server on the loopback that sends parts of files, and fails in the ways that a test asks for.
struct RangeServer: Sendable {
  let folder: FilePath
  let address: String

  /// The requests that came, a line each: `GET /name bytes=0-99`.
  var requests: [String] {
    ((try? FileTree.text(of: folder.appending(".requests"))) ?? "").split(separator: "\n").map(String.init)
  }

  /// Makes it fail: `whole` ignores ranges, `short` sends half of what it promised, `absent` has nothing.
  func fail(_ how: String?) throws {
    if let how {
      try AtomicFile.write(Array(how.utf8), to: folder.appending(".fault"))
    } else {
      FileTree.remove(folder.appending(".fault"))
    }
  }

  func forget() { FileTree.remove(folder.appending(".requests")) }

  private static let program = """
    import http.server, os, re, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *a): pass
        def do_GET(self):
            fault = open(".fault").read() if os.path.exists(".fault") else ""
            asked = self.headers.get("Range", "")
            with open(".requests", "a") as log: log.write(f"GET {self.path} {asked}\\n")
            name = self.path.rsplit("/", 1)[1]
            if fault == "absent" or not os.path.exists(name):
                self.send_error(404); return
            data = open(name, "rb").read()
            match = re.fullmatch(r"bytes=(\\d+)-(\\d+)", asked)
            if match and fault != "whole":
                data = data[int(match[1]):int(match[2]) + 1]
                self.send_response(206)
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            cut = fault == "short" and match and int(match[1]) > 0
            self.wfile.write(data[:len(data) // 2] if cut else data)
    os.chdir(sys.argv[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"ready http://127.0.0.1:{server.server_port}/recovery", flush=True)
    import threading
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    """

  /// Serves a new folder while `body` runs.
  static func with<Result: Sendable>(_ body: @Sendable (RangeServer) async throws -> Result) async throws -> Result {
    try await TemporaryFolder.with { folder in
      try await ExternalCommand("python3", ["-c", program, folder.string], package: "python3").serving {
        try await body(RangeServer(folder: folder, address: $0))
      }
    }
  }
}
