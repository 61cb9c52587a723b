// Copyright (c) 2026 GreenLang. All rights reserved.

// Weaviate's server as upstream's cmd/weaviate-server starts it, but for TLS: upstream reads its certificate once, at its start, and cert-manager renews
// it long before a server has to be restarted. Here each connection gets the one that is in the files.
//
//	weaviate --port=8081 --tls-port=8080 --tls-certificate=… --tls-key=…
//
// Plain HTTP is for the pod itself alone: --host=127.0.0.1. Without --tls-certificate there is no TLS. With BACKUPS_TOLD_WITH, a key that may list backups,
// the metrics tell of them.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/go-openapi/loads"
	"github.com/jessevdk/go-flags"
	"github.com/weaviate/weaviate/adapters/handlers/rest"
	"github.com/weaviate/weaviate/adapters/handlers/rest/operations"
)

func main() {
	specification, err := loads.Embedded(rest.SwaggerJSON, rest.FlatSwaggerJSON)
	if err != nil {
		log.Fatalln(err)
	}
	api := operations.NewWeaviateAPI(specification)
	server := rest.NewServer(api)
	defer server.Shutdown()
	server.ConfigureFlags()
	parser := flags.NewParser(server, flags.Default)
	for _, group := range api.CommandLineOptionsGroups {
		if _, err := parser.AddGroup(group.ShortDescription, group.LongDescription, group.Options); err != nil {
			log.Fatalln(err)
		}
	}
	if _, err := parser.Parse(); err != nil {
		os.Exit(1)
	}
	server.EnabledListeners = []string{"http"}
	server.ConfigureAPI()
	if server.TLSCertificate != "" {
		before := api.PreServerShutdown
		stop := serveTLS(server)
		api.PreServerShutdown = func() {
			before()
			stop() // what is under way ends before the shards are closed
		}
	}
	if key := os.Getenv("BACKUPS_TOLD_WITH"); key != "" {
		go tellOfBackups(net.JoinHostPort(server.Host, strconv.Itoa(server.Port)), key)
	}
	if err := server.Serve(); err != nil {
		log.Fatalln(err)
	}
}

// serveTLS answers at the port for TLS, until what it returns is called.
func serveTLS(server *rest.Server) func() {
	files := &pair{certificate: string(server.TLSCertificate), key: string(server.TLSCertificateKey)}
	if _, err := files.get(nil); err != nil {
		log.Fatalln(err)
	}
	secure := &http.Server{
		Addr:           net.JoinHostPort(server.TLSHost, strconv.Itoa(server.TLSPort)),
		Handler:        server.GetHandler(),
		MaxHeaderBytes: int(server.MaxHeaderSize),
		ReadTimeout:    server.ReadTimeout,
		WriteTimeout:   server.WriteTimeout,
		IdleTimeout:    server.KeepAlive,
		TLSConfig:      &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get},
		ErrorLog:       log.New(quiet{}, "", 0),
	}
	go func() {
		if err := secure.ListenAndServeTLS("", ""); !errors.Is(err, http.ErrServerClosed) {
			log.Fatalln(err)
		}
	}()
	return func() {
		patience, done := context.WithTimeout(context.Background(), server.GracefulTimeout)
		defer done()
		if err := secure.Shutdown(patience); err != nil {
			log.Println("TLS:", err)
		}
	}
}

// quiet leaves out what each probe that ends a connection early would log.
type quiet struct{}

func (quiet) Write(text []byte) (int, error) { return len(text), nil }
