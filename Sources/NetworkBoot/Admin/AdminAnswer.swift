// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol
internal import FoundationEssentials
internal import HostSystem
internal import NIOHTTP1
internal import NetworkBootPolicy

/// What an administrator's request gets.
///
/// | request | answer |
/// |---|---|
/// | `GET /status` | the service |
/// | `GET /machines` | all machines |
/// | `GET /metrics` | numbers for Prometheus |
/// | `POST /machines/approve`, `deny`, `forget` | with `{"machine": "4711"}`: a number, a MAC or a UUID |
/// | `POST /machines/assign` | with `{"machine": "…", "image": "tier2"}` |
struct AdminAnswer: Sendable {
  var status = HTTPResponseStatus.ok
  var type = "application/json"
  var text: String

  /// An error as `--json` writes it.
  struct Refusal: Codable, Error {
    var error: Content

    struct Content: Codable {
      var code: String
      var message: String
      var remedy: String?
      /// What sort of failure it is; nil from a service that is newer.
      var kind: FailureKind?
    }
  }

  private struct Order: Decodable {
    var machine: String
    var image: String?
  }

  /// Answers; an order is followed on the way. It may block.
  static func decide(
    _ method: HTTPMethod, _ path: String, _ body: [UInt8], from peer: AdminPeer?, _ desk: MachineDesk
  ) -> AdminAnswer {
    guard let peer, peer.isAllowed(group: desk.adminGroup) else { return forbidden(peer, desk.adminGroup) }
    do {
      switch (method, path) {
      case (.GET, "/status"): return try AdminAnswer(desk.status())
      case (.GET, "/machines"): return try AdminAnswer(MachineList(machines: desk.reports()))
      case (.GET, "/metrics"): return AdminAnswer(type: "text/plain; version=0.0.4", text: desk.metrics())
      case (.POST, let path) where path.hasPrefix("/machines/"):
        guard let order = try? JSONDecoder().decode(Order.self, from: Data(body)),
          let order = MachineOrder(
            word: String(path.dropFirst("/machines/".count)), machine: order.machine, image: order.image)
        else {
          return refusal(
            .badRequest, .badRequest, "bad-order", "this is not an order",
            "POST {\"machine\": \"4711\"} to /machines/approve, deny or forget; with an \"image\" to /machines/assign.")
        }
        return try AdminAnswer(desk.follow(order, by: peer.words))
      default:
        return refusal(
          .notFound, .badRequest, "no-such-path", "there is no \(method.rawValue.prefix(16)) \(path.prefix(80))",
          "Ask for /status, /machines or /metrics.")
      }
    } catch {
      let known = error as? any Diagnosable
      let isTheirs = error is NetworkBootPolicyFailure
      return refusal(
        isTheirs ? .conflict : .internalServerError, known?.kind ?? .defect, known?.code ?? "defect",
        known?.message ?? "\(error)", known?.remedy)
    }
  }

  private static func forbidden(_ peer: AdminPeer?, _ group: String?) -> AdminAnswer {
    let who = peer.map { "user \($0.user)" } ?? "somebody whom the kernel does not name"
    let others = group.map { ", or as a member of the group \($0)" } ?? "; the policy may name an admin-group"
    return refusal(
      .forbidden, .systemLimit, "not-allowed", "\(who) may not administer this service", "Run it as root\(others).")
  }

  private static func refusal(
    _ status: HTTPResponseStatus, _ kind: FailureKind, _ code: String, _ message: String, _ remedy: String?
  ) -> AdminAnswer {
    let refusal = Refusal(error: .init(code: code, message: message, remedy: remedy, kind: kind))
    return AdminAnswer(status: status, text: ((try? StableJSON.text(refusal)) ?? "{}") + "\n")
  }

  private init(_ value: some Encodable) throws { self.init(text: try StableJSON.text(value) + "\n") }

  private init(status: HTTPResponseStatus = .ok, type: String = "application/json", text: String) {
    (self.status, self.type, self.text) = (status, type, text)
  }
}

/// The answer to `GET /machines`.
struct MachineList: Codable {
  var machines: [MachineReport]
}
