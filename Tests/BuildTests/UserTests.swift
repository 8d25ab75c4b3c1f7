// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// Building as somebody who is not root, or who may not even make a user namespace.
  @Suite struct OrdinaryUsers {
    /// A user of the system with subordinate ids, for as long as `body` runs.
    private func withUser<Result>(_ body: (String) async throws -> Result) async throws -> Result {
      let name = "lifeboat-test-\(getpid())"
      let add = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/sh", name]
      try await ExternalCommand("useradd", add, package: "passwd").run()
      let result: Swift.Result<Result, any Error>
      do {
        let ids = "2000000000-2000065535"
        try await ExternalCommand("usermod", ["--add-subuids", ids, "--add-subgids", ids, name]).run()
        result = .success(try await body(name))
      } catch { result = .failure(error) }
      try await ExternalCommand("userdel", [name]).run()
      return try result.get()
    }

    /// Builds as another user, with a home of his own.
    private func build(
      _ workplace: Workplace, as user: [String], owner: String, environment: [String: String] = [:]
    ) async throws -> BuildRun {
      let program = try await Repository.readableProgram(in: workplace.folder.path)
      // Linked files belong to the other caches too.
      let script = """
        cp -a "$1/cache" "$1/own" && rm -rf "$1/cache" && mv "$1/own" "$1/cache"
        mkdir "$1/out" && chown -R "$2" "$1"
        """
      let folder = workplace.folder.path
      try await ExternalCommand("sh", ["-ec", script, "sh", folder.string, owner]).run()
      return BuildRun(
        try await Tool.run(
          user[0], user.dropFirst() + [program.string] + Workplace.arguments(), in: folder,
          environment: workplace.environment(["HOME": folder.string, "TMPDIR": folder.string]).merging(environment) {
            $1
          }))
    }

    /// Root builds without a user namespace, others in one, the places differ, and so does what a person keeps from
    /// other users: the medium does not. Where root tests, it is built as somebody else.
    @Test func everybodysMediumIsTheSame() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("")
      let guarded = ["sh", "-ec", "umask 077; exec \"$@\"", "sh"]
      let run =
        if geteuid() == 0 {
          try await withUser { name in
            try await build(workplace, as: ["runuser", "-u", name, "--"] + guarded, owner: name)
          }
        } else {
          try await build(workplace, as: guarded, owner: "\(geteuid())")
        }
      #expect(try run.digest() == (try await ReferenceBuild.shared.digest()))
      #expect(workplace.remains == [])
    }

    @Test(.enabled(if: geteuid() == 0, "only root can become somebody without subordinate ids"))
    func whoHasNoSubordinateIdsIsToldHowToGetThem() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools")
      let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
      let run = try await build(workplace, as: nobody, owner: "65534:65534")
      run.expect("no-user-namespaces", 71, naming: ["user namespace"])
      #expect(run.troubles[0].remedy?.contains("/etc/subuid") == true)
      #expect(workplace.steps("tools").isEmpty)
    }

    /// What `unshare` says on kernels that forbid user namespaces in one way or another.
    @Test(
      .enabled(if: geteuid() == 0, "as root the user is changed; others have the stand-in alone"),
      arguments: ["Operation not permitted", "No space left on device"])
    func switchedOffNamespacesAreNamed(reason: String) async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools")
      try workplace.folder.writeScript("stand-in/unshare", "echo 'unshare: unshare failed: \(reason)' >&2; exit 1")
      let path = HostEnvironment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
      let run = try await build(
        workplace, as: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], owner: "65534:65534",
        environment: ["PATH": "\(workplace.folder.appending("stand-in")):\(path)"])
      run.expect("no-user-namespaces", 71, naming: [reason])
      #expect(run.troubles[0].remedy?.contains("user.max_user_namespaces") == true)
      #expect(workplace.steps("tools").isEmpty && workplace.remains.isEmpty)
    }
  }
}
