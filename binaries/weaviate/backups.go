// Copyright (c) 2026 GreenLang. All rights reserved.

package main

import (
	"encoding/json"
	"log"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lookEvery is how often the object store is asked for its backups.
const lookEvery = 2 * time.Minute

// tellOfBackups has the metrics say when the newest backup that succeeded was begun: what it holds is of then. Nothing is told before one is found.
// It asks this server itself, with a key that may list them.
func tellOfBackups(address, key string) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "vcci_weaviate_backup_last_success_timestamp_seconds",
		Help: "When the newest backup that succeeded was begun.",
	})
	registered := false
	for ; ; time.Sleep(lookEvery) {
		newest, err := newestBackup(address, key)
		if err != nil {
			log.Println("backups:", err)
			continue
		}
		if newest.IsZero() {
			continue
		}
		gauge.Set(float64(newest.Unix()))
		if !registered {
			prometheus.MustRegister(gauge)
			registered = true
		}
	}
}

func newestBackup(address, key string) (time.Time, error) {
	var newest time.Time
	request, err := http.NewRequest(http.MethodGet, "http://"+address+"/v1/backups/s3", nil)
	if err != nil {
		return newest, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return newest, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		log.Println("backups: the server answers", response.Status) // as while it starts
		return newest, nil
	}
	var found []struct {
		Status    string
		StartedAt time.Time
	}
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil {
		return newest, err
	}
	for _, one := range found {
		if one.Status == "SUCCESS" && one.StartedAt.After(newest) {
			newest = one.StartedAt
		}
	}
	return newest, nil
}
