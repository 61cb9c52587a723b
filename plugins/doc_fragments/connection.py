# Copyright (c) 2026 GreenLang. All rights reserved.
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a dictionary. A relative path is also searched among the files of
        the role and the playbook; several, with colons between them, are merged. C(ansible-vault) may encrypt it.
      - Without it the files named by E(KUBECONFIG), then C(~/.kube/config), then the service account of the pod are
        used. Also E(K8S_AUTH_KUBECONFIG).
      - The C(environment) of the task goes before that of the process, here and for every variable named below.
    type: raw
  context:
    description: Context of the kubeconfig to use instead of its current one. Also E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - Address of the API server, when it is not that of the kubeconfig, the environment's included. The kubeconfig's
        C(tls-server-name) then does not count.
      - With O(api_key), O(username) or O(client_cert) beside it no kubeconfig of the environment is read.
      - Also E(K8S_AUTH_HOST).
    type: str
  api_key:
    description: Bearer token, in place of the kubeconfig's credentials. Also E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - User name for basic authentication, in place of the kubeconfig's credentials. Also E(K8S_AUTH_USERNAME).
    type: str
  password:
    description: Password for basic authentication. Also E(K8S_AUTH_PASSWORD).
    type: str
  validate_certs:
    description: Whether the server's certificate is verified. Also E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  ca_cert:
    description: File with the certificate authorities of the server. Also E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - File with the client certificate, in place of the kubeconfig's credentials. Also E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description: File with the key of the client certificate. Also E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  tls_server_name:
    description: Name that the server's certificate is expected to have. Also E(K8S_AUTH_TLS_SERVER_NAME).
    type: str
  proxy:
    description:
      - Address of a proxy to go through, of C(http), C(https) or C(socks5). Also E(K8S_AUTH_PROXY).
      - Without it that of the kubeconfig counts, then E(HTTPS_PROXY) or E(HTTP_PROXY).
    type: str
  no_proxy:
    description:
      - Comma-separated hosts that are reached without the proxy, in all forms that Go knows. Also
        E(K8S_AUTH_NO_PROXY).
      - In place of E(NO_PROXY), which is about the proxies of the environment only.
    type: str
  proxy_headers:
    description: Headers for the proxy.
    type: dict
    suboptions:
      proxy_basic_auth:
        description: C(user:password) for the proxy.
        type: str
      basic_auth:
        description: C(user:password) sent as Authorization to the proxy.
        type: str
      user_agent:
        description: User agent told to the proxy.
        type: str
  impersonate_user:
    description: User to act as. Also E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description: Groups to act as. Also E(K8S_AUTH_IMPERSONATE_GROUPS).
    type: list
    elements: str
"""
