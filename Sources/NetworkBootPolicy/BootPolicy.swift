// SPDX-License-Identifier: GPL-3.0-or-later
public import NetworkBootProtocol

/// What an administrator has written down about who is answered, and with what.
///
///     policy.toml ──▶ BootPolicyReader ──▶ BootPolicy ──▶ ServerView ──▶ decisions
///                         │    ▲                             ▲
///                         ▼    └── the set's images          │
///                    [Diagnostic]              MachineRegister: what was said at run time
///
/// Pure: it takes text and returns values; reading files is its caller's.
public struct BootPolicy: Sendable, Hashable {
  /// Who is answered where no place says otherwise.
  public var answer = PolicyRule.Policy.all
  /// How long after a client began it is answered at the earliest.
  public var delay = Duration.zero
  /// The image of all whom nothing else is assigned to.
  public var image: String?
  /// Whether x64 UEFI's PXE may be answered in the shape of BOOTP; nil where the file does not say.
  public var shadow: ServerView.Shadow?
  /// Where UEFI firmware gets the name of its PXE boot file.
  public var naming = ServerView.UEFINaming.inOffer
  /// Whether offers carry Lifeboat's name.
  public var marksOffers = true
  /// Whether other boot servers on the wire have priority.
  public var yields = true
  /// The group whose members may administer the service.
  public var adminGroup: String?
  /// Rules for places; the first that fits counts.
  public var places: [PolicyRule] = []
  /// Machines by name; the first that fits counts.
  public var machines: [Machine] = []
  /// Images for some; the first that fits counts.
  public var assignments: [ImageAssignment] = []

  /// A machine that the file names.
  public struct Machine: Sendable, Hashable {
    /// What people call it.
    public var name: String?
    /// Which it is, and what holds for it.
    public var known: KnownMachine

    /// Names a machine.
    public init(name: String?, _ known: KnownMachine) { (self.name, self.known) = (name, known) }
  }

  /// What holds where nothing is written: everybody is answered.
  public init() {}

  /// The policy of a file.
  /// - Parameter images: the images of the set, or nil where that is not known: then no name of an image is wrong.
  /// - Throws: `.invalidPolicy` with every error.
  public init(reading bytes: [UInt8], file: String, images: [String]?) throws(NetworkBootPolicyFailure) {
    let (policy, diagnostics) = BootPolicyReader.read(bytes: bytes, file: file, images: images)
    guard let policy else { throw .invalidPolicy(diagnostics) }
    self = policy
  }

  /// Puts it into what decisions are made from; mode, images of the set and the servers that were seen stay.
  public func apply(to view: inout ServerView) {
    view.policy = answer
    view.policies = places + (delay > .zero ? [PolicyRule(answer, delay: delay)] : [])
    view.machines = machines.map(\.known)
    view.assignments = assignments
    view.defaultImage = image ?? view.defaultImage
    view.shadow = shadow ?? view.shadow
    (view.uefiNaming, view.marksOffers, view.yields) = (naming, marksOffers, yields)
  }
}
