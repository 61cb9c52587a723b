# Copyright (c) 2026 GreenLang. All rights reserved.
"""The archive of the database: every change since a physical backup, by pgBackRest, and back to a point in time.

settings   where everything is, from the environment
configure  pgBackRest's own file, with the keys out of mounted Secrets
repository what pgBackRest is asked, and what its errors mean
history    backups and segments of WAL: which point in time can be reached. Pure
database   the server beside it, through its socket
serve      the sidecar of a member: backups that are asked for, the one after a gap, figures
figures    what Prometheus reads
ask        the CronJob: asks for a backup by SQL, as a login that may do nothing else
look       what is wrong with an archive before it is used, and with a point in time
restore    a data directory from the archive: of a member, of a new replica, of a server beside
commands   which of these a word is
"""
