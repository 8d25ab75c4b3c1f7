// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootPolicy
internal import BootSite
internal import HostSystem
internal import NIOHTTP1
internal import NetworkBootProtocol

/// What a request gets, before any file is opened: a function of the request and of the set.
///
///     GET or HEAD, one Host, a name of the set ─▶ the object: 200, 206, 304 or 416
///     anything else                            ─▶ a short refusal; never a redirect, never a list of names
///
/// What starts with `admission/` is no object: `MachineDesk` answers it.
struct HTTPAnswer: Sendable {
  /// The status.
  var status: HTTPResponseStatus
  /// The fields of the header, all but those about the connection.
  var headers: HTTPHeaders
  /// Which bytes of which object follow; nil for a refusal.
  var body: (object: SetIndex.Object, range: Range<Int>)?
  /// What the log says about a refusal.
  var reason: String?
  /// A line that is sent instead of an object.
  var text: String?

  /// Decides about a request.
  /// - Parameter authorities: what this server is called.
  ///   - admission: answers started systems that ask whether they may go on.
  static func decide(
    _ request: HTTPRequestHead, in set: BootSet, authorities: [String],
    admission: (ObjectName) -> MachineDesk.Admission?
  ) -> HTTPAnswer {
    guard request.method == .GET || request.method == .HEAD else {
      let method = request.method.rawValue.prefix(16)
      return refusal(.methodNotAllowed, "it is a \(method) request", ("Allow", "GET, HEAD"))
    }
    // RFC 9112, section 3.2: exactly one in HTTP/1.1.
    let hosts = request.headers["Host"].count
    guard hosts == 1 || (hosts == 0 && request.version != .http1_1) else {
      return refusal(.badRequest, "it has \(hosts) Host fields")
    }
    do throws(NetworkBootProtocolFailure) {
      let target = try RequestTarget(parsing: request.uri.utf8, authorities: authorities)
      if let answer = admission(target.name) { return HTTPAnswer(answer) }
      guard let object = set.object(target.name) else { return refusal(.notFound, "there is no \"\(target.name)\"") }
      return give(object, to: request)
    } catch {
      return refusal(.notFound, error.message)
    }
  }

  private static func give(_ object: SetIndex.Object, to request: HTTPRequestHead) -> HTTPAnswer {
    let size = Int(object.size.bytes)
    let tag = "\"\(object.digest)\""
    var answer = HTTPAnswer(
      status: .ok,
      headers: [
        // UEFI 2.10, section 24.7: firmware knows a RAM disk by its media type alone.
        "Content-Type": object.type, "Accept-Ranges": "bytes", "ETag": tag,
        // A name may stand for another file in the next set; the entity tag tells.
        "Cache-Control": "no-cache",
      ])
    if request.headers[canonicalForm: "If-None-Match"].contains(where: { $0 == tag || $0 == "*" }) {
      answer.status = .notModified
      return answer
    }
    var part = 0..<size
    switch range(request, tag, size) {
    case .whole: break
    case .part(let range):
      part = range
      answer.status = .partialContent
      answer.headers.add(name: "Content-Range", value: "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
    case .unsatisfiable:
      return refusal(
        .rangeNotSatisfiable, "\(object.name) does not have these bytes", ("Content-Range", "bytes */\(size)"))
    }
    answer.headers.add(name: "Content-Length", value: String(part.count))
    answer.body = (object, part)
    return answer
  }

  /// The range that is asked for. RFC 9110: a Range is for GET alone (14.2), and with an If-Range that is not this file's
  /// strong entity tag the whole file is sent (13.1.5).
  private static func range(_ request: HTTPRequestHead, _ tag: String, _ size: Int) -> ByteRange {
    guard request.method == .GET, (request.headers.first(name: "If-Range") ?? tag) == tag else { return .whole }
    return ByteRange(request.headers["Range"], size: size)
  }

  /// A refusal, with a field of its own.
  static func refusal(_ status: HTTPResponseStatus, _ reason: String, _ field: (String, String)? = nil) -> HTTPAnswer {
    var answer = HTTPAnswer(status: status, headers: ["Content-Length": "0"], reason: reason)
    if let field { answer.headers.add(name: field.0, value: field.1) }
    return answer
  }
}

extension HTTPAnswer {
  /// The answer to a started system that asks whether it may go on; never kept anywhere on its way.
  init(_ admission: MachineDesk.Admission) {
    switch admission {
    case .reply(let reply):
      let line = reply.line + "\n"
      let fields = ["Content-Type": "text/plain", "Cache-Control": "no-store", "Content-Length": "\(line.utf8.count)"]
      self.init(status: .ok, headers: HTTPHeaders(fields.map { ($0, $1) }), text: line)
    case .crowded: self.init(status: .serviceUnavailable, headers: ["Content-Length": "0", "Retry-After": "30"])
    }
  }
}
