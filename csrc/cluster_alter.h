/* ALTER TABLE for a cluster: every command on the local table, and what adds, drops or changes columns on the
 * Distributed one too. A column is added below first and dropped above first, so that whoever reads meanwhile asks for
 * none that is missing.
 */
#ifndef GCH_CLUSTER_ALTER_H
#define GCH_CLUSTER_ALTER_H

#include "cluster_work.h"

/* The scan is behind ALTER. */
enum gch_status gch_cluster_render_alter(struct gch_cluster_work *work) GCH_MUST_CHECK;

#endif
