// Copyright (c) 2026 GreenLang. All rights reserved.

// A server with the KV engine of Vault and nothing else of it, for tests: the engine is upstream's module, in memory.
//
//	vault-kv <address> <token>
//
// It answers under /v1/secret (version 2), /v1/old (version 1) and /v1/sys/internal/ui/mounts, as the API's reference
// says; tokens are the one that is given, and tokens of auth/approle/login for role_id "role" and secret_id "secret".
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	hclog "github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/sdk/logical"
)

var operations = map[string]logical.Operation{
	http.MethodGet: logical.ReadOperation, http.MethodPost: logical.UpdateOperation, http.MethodPut: logical.UpdateOperation,
	http.MethodDelete: logical.DeleteOperation, http.MethodPatch: logical.PatchOperation, "LIST": logical.ListOperation,
}

type engine struct {
	backend logical.Backend
	storage logical.Storage
	version string
}

func newEngine(name, version string) *engine {
	storage := &logical.InmemStorage{}
	backend, err := kv.Factory(context.Background(), &logical.BackendConfig{
		StorageView: storage,
		Logger:      hclog.NewNullLogger(),
		System:      &logical.StaticSystemView{},
		BackendUUID: name,
		Config:      map[string]string{"version": version},
	})
	if err != nil {
		panic(err)
	}
	return &engine{backend, storage, version}
}

type server struct {
	engines map[string]*engine
	token   string
}

func fail(w http.ResponseWriter, status int, errors ...string) {
	answer(w, status, map[string]any{"errors": append([]string{}, errors...)})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	body := map[string]any{}
	if r.Body != nil && r.ContentLength != 0 {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			fail(w, http.StatusBadRequest, "failed to parse JSON input: "+err.Error())
			return
		}
	}
	if path == "auth/approle/login" {
		if body["role_id"] == "role" && body["secret_id"] == "secret" {
			answer(w, http.StatusOK, map[string]any{"auth": map[string]any{"client_token": s.token}})
		} else {
			fail(w, http.StatusBadRequest, "invalid role or secret ID")
		}
		return
	}
	if r.Header.Get("X-Vault-Token") != s.token {
		fail(w, http.StatusForbidden, "permission denied")
		return
	}
	if mount, found := strings.CutPrefix(path, "sys/internal/ui/mounts/"); found {
		for name, e := range s.engines {
			if strings.HasPrefix(mount+"/", name+"/") {
				data := map[string]any{"path": name + "/", "type": "kv", "options": map[string]string{"version": e.version}}
				answer(w, http.StatusOK, map[string]any{"data": data})
				return
			}
		}
		fail(w, http.StatusForbidden, "preflight capability check returned 403, please ensure client's policies grant access to path \""+mount+"/\"")
		return
	}
	mount, rest, _ := strings.Cut(path, "/")
	e := s.engines[mount]
	if e == nil {
		fail(w, http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", path))
		return
	}
	e.serve(w, r, rest, body)
}

func (e *engine) serve(w http.ResponseWriter, r *http.Request, path string, body map[string]any) {
	for name, values := range r.URL.Query() {
		body[name] = values[0]
	}
	request := &logical.Request{
		Operation: operations[r.Method], Path: path, Data: body, Storage: e.storage, MountPoint: "secret/",
		Headers: map[string][]string{"Content-Type": r.Header["Content-Type"]},
	}
	if request.Operation == logical.UpdateOperation {
		if checked, exists, err := e.backend.HandleExistenceCheck(r.Context(), request); checked && err == nil && !exists {
			request.Operation = logical.CreateOperation
		}
	}
	response, err := e.backend.HandleRequest(r.Context(), request)
	status, wrong := logical.RespondErrorCommon(request, response, err)
	switch {
	case status != 0 && wrong == nil:
		fail(w, status)
	case wrong != nil:
		fail(w, status, wrong.Error())
	case response == nil:
		w.WriteHeader(http.StatusNoContent)
	case response.Data[logical.HTTPRawBody] != nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(response.Data[logical.HTTPStatusCode].(int))
		fmt.Fprint(w, response.Data[logical.HTTPRawBody])
	default:
		answer(w, http.StatusOK, map[string]any{"data": response.Data, "warnings": response.Warnings})
	}
}

func main() {
	engines := map[string]*engine{"secret": newEngine("secret", "2"), "old": newEngine("old", "1")}
	if err := http.ListenAndServe(os.Args[1], &server{engines, os.Args[2]}); err != nil {
		panic(err)
	}
}
