// SPDX-License-Identifier: GPL-3.0-or-later

/// `nginx.conf` of an export. Paths are relative, so the folder may be moved or copied to many servers as it is.
struct NginxSettings {
  /// The whole file.
  let text: String

  init(_ objects: [ExportManifest.Object], _ server: ExportServer, set: Int) {
    let locations = objects.flatMap { object in
      [
        "    location = \(server.path)/\(object.name) {", "      alias \(object.file);",
        "      default_type \(object.type);", "      add_header Cache-Control \"\(object.cacheControl)\";", "    }",
      ]
    }
    text = (Self.head(server, set) + locations + ["  }", "}"]).map { $0 + "\n" }.joined()
  }

  private static func head(_ server: ExportServer, _ set: Int) -> [String] {
    [
      "# Set \(set) for \(server.url), by lifeboat export netboot; the next export replaces this file.",
      "#   nginx -p FOLDER -c nginx.conf",
      "# Exactly the names of the set, to GET and HEAD: no redirects, no lists of files, nothing guessed from a name.",
      "user www-data;",
      "worker_processes auto;",
      "worker_rlimit_nofile 16384;",
      "events {",
      "  worker_connections 4096;",
      "}",
      "http {",
      "  sendfile on;",
      "  # One client after the other gets a piece.",
      "  sendfile_max_chunk 1m;",
      "  tcp_nopush on;",
      "  server_tokens off;",
      "  # UEFI 2.10, section 24.7: firmware knows a RAM disk by its media type alone. Each object has its own, below.",
      "  types {",
      "  }",
      "  server {",
      "    listen \(server.port) default_server;",
      "    add_header Allow \"GET, HEAD\" always;",
      "    if ($request_method !~ ^(GET|HEAD)$) {",
      "      return 405;",
      "    }",
      "    location / {",
      "      return 404;",
      "    }",
    ]
  }
}
