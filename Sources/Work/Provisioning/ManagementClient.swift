// RabbitMQ's management interface over HTTP: policies and facts that AMQP does not tell.

import Foundation
import JSON

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks the management interface at one address.
struct ManagementClient: Sendable {
    let url: ManagementURL
    private let session: URLSession

    init(_ url: ManagementURL, limit: Duration = .seconds(10)) {
        self.url = url
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = Double(limit.components.seconds)
        configuration.timeoutIntervalForResource = Double(limit.components.seconds)
        session = URLSession(configuration: configuration, delegate: RefusalAccepter(), delegateQueue: nil)
    }

    /// `GET /api/PATH...`, each part of the path percent-encoded here.
    func get(_ path: String..., query: String = "") async throws -> JSONValue {
        try await send("GET", path, query: query)
    }

    /// `PUT /api/PATH...`
    func put(_ path: String..., body: JSONValue) async throws { _ = try await send("PUT", path, body: body) }

    /// `DELETE /api/PATH...`
    func delete(_ path: String...) async throws { _ = try await send("DELETE", path) }

    private func send(_ method: String, _ path: [String], query: String = "", body: JSONValue? = nil) async throws
        -> JSONValue
    {
        let unreserved = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: Unicode.Scalar(33)..."~"))
            .union(CharacterSet(charactersIn: "-._~"))
        let parts = path.map { $0.addingPercentEncoding(withAllowedCharacters: unreserved) ?? "" }
        let place = "/api/" + parts.joined(separator: "/")
        guard let address = URL(string: url.base + place + query) else {
            throw ProvisioningError(.invalid, "management interface at \(url): cannot ask for \(place)")
        }
        var request = URLRequest(url: address)
        request.httpMethod = method
        let credentials = Data("\(url.user):\(url.password)".utf8).base64EncodedString()
        request.setValue("Basic \(credentials)", forHTTPHeaderField: "Authorization")
        if let body {
            request.httpBody = Data(body.description.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response): (Data, URLResponse)
        do {
            (data, response) = try await session.data(for: request)
        } catch {
            // On Linux a challenge that is refused ends the request as cancelled; elsewhere it is an answer with 401.
            if (error as? URLError)?.code == .cancelled, !Task.isCancelled {
                throw refusal("\(method) \(place)", status: 401)
            }
            throw ProvisioningError(
                .unavailable,
                "management interface at \(url): cannot connect (\(Self.reason(error))); start "
                    + "rabbitmq_management or correct the management URL"
            )
        }
        return try read(data, status: (response as? HTTPURLResponse)?.statusCode ?? 0, of: "\(method) \(place)")
    }

    private static func reason(_ error: any Error) -> String {
        guard let code = (error as? URLError)?.code else { return "\(error)" }
        return switch code {
        case .cannotConnectToHost: "connection refused"
        case .cannotFindHost, .dnsLookupFailed: "no such host"
        case .timedOut: "no answer in time"
        case .serverCertificateUntrusted, .secureConnectionFailed, .serverCertificateHasUnknownRoot:
            "no trusted TLS connection"
        default: "error \(code.rawValue)"
        }
    }

    private func refusal(_ request: String, status: Int) -> ProvisioningError {
        ProvisioningError(
            .notAllowed,
            "management interface at \(url): \(request): refused to the user '\(url.shownUser)' (HTTP "
                + "\(status)); correct user and password, or give the user the tag policymaker or administrator"
        )
    }

    private func read(_ data: Data, status: Int, of request: String) throws -> JSONValue {
        switch status {
        case 200..<300:
            do {
                return data.isEmpty ? .null : try JSONReader<JSONFault>(Array(data)).document(.lastCounts)
            } catch {
                throw ProvisioningError(
                    .unavailable,
                    "management interface at \(url): \(request): expected JSON (\(error.reason)); "
                        + "correct the management URL"
                )
            }
        case 401, 403:
            throw refusal(request, status: status)
        case 404: throw ProvisioningError(.missing, "management interface at \(url): \(request): not found (HTTP 404)")
        default:
            throw ProvisioningError(
                .unavailable,
                "management interface at \(url): \(request): HTTP \(status): "
                    + "\(String(decoding: data.prefix(200), as: UTF8.self))"
            )
        }
    }
}

/// Lets HTTP 401 through as an answer: credentials go with every request, and there are no others to try.
private final class RefusalAccepter: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
        completionHandler: @escaping @Sendable (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
    ) {
        completionHandler(.rejectProtectionSpace, nil)
    }
}
