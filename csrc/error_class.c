#include "error_class.h"

#include <stddef.h>

/* Each list holds X(number, name, class), with numbers and names as in ClickHouse's src/Common/ErrorCodes.cpp and
 * system.errors. */

/* The account, its profile, or a setting in the URL stands in the way; somebody has to change that, and no row is at
 * fault. */
#define AUTH_CODES(X)                                                                                                  \
    X(115, UNKNOWN_SETTING, AUTH)                                                                                      \
    X(164, READONLY, AUTH)                                                                                             \
    X(180, THERE_IS_NO_PROFILE, AUTH)                                                                                  \
    X(192, UNKNOWN_USER, AUTH)                                                                                         \
    X(193, WRONG_PASSWORD, AUTH)                                                                                       \
    X(194, REQUIRED_PASSWORD, AUTH)                                                                                    \
    X(195, IP_ADDRESS_NOT_ALLOWED, AUTH)                                                                               \
    X(291, DATABASE_ACCESS_DENIED, AUTH)                                                                               \
    X(392, QUERY_IS_PROHIBITED, AUTH)                                                                                  \
    X(446, FUNCTION_NOT_ALLOWED, AUTH)                                                                                 \
    X(452, SETTING_CONSTRAINT_VIOLATION, AUTH)                                                                         \
    X(471, INVALID_SETTING_VALUE, AUTH)                                                                                \
    X(472, READONLY_SETTING, AUTH)                                                                                     \
    X(481, PATH_ACCESS_DENIED, AUTH)                                                                                   \
    X(496, QUOTA_REQUIRES_CLIENT_KEY, AUTH)                                                                            \
    X(497, ACCESS_DENIED, AUTH)                                                                                        \
    X(511, UNKNOWN_ROLE, AUTH)                                                                                         \
    X(512, SET_NON_GRANTED_ROLE, AUTH)                                                                                 \
    X(516, AUTHENTICATION_FAILED, AUTH)                                                                                \
    X(620, QUERY_NOT_ALLOWED, AUTH)                                                                                    \
    X(673, RESOURCE_ACCESS_DENIED, AUTH)                                                                               \
    X(720, USER_EXPIRED, AUTH)                                                                                         \
    X(759, LICENSING_EXCEPTION, AUTH)                                                                                  \
    X(767, REQUIRED_SECOND_FACTOR, AUTH)

/* The statement and the table do not fit together, so every row of the table fails alike. INCORRECT_DATA is here
 * although a bad row can give it too: a column whose type differs gives it for the header, and to halve such a batch
 * would put all of its rows in quarantine, while parking loses none. The same goes for BAD_ARGUMENTS. */
#define SCHEMA_CODES(X)                                                                                                \
    X(2, UNSUPPORTED_PARAMETER, SCHEMA)                                                                                \
    X(7, INCORRECT_NUMBER_OF_COLUMNS, SCHEMA)                                                                          \
    X(8, THERE_IS_NO_COLUMN, SCHEMA)                                                                                   \
    X(9, SIZES_OF_COLUMNS_DOESNT_MATCH, SCHEMA)                                                                        \
    X(10, NOT_FOUND_COLUMN_IN_BLOCK, SCHEMA)                                                                           \
    X(13, SIZES_OF_COLUMNS_IN_TUPLE_DOESNT_MATCH, SCHEMA)                                                              \
    X(15, DUPLICATE_COLUMN, SCHEMA)                                                                                    \
    X(16, NO_SUCH_COLUMN_IN_TABLE, SCHEMA)                                                                             \
    X(20, NUMBER_OF_COLUMNS_DOESNT_MATCH, SCHEMA)                                                                      \
    X(34, TOO_MANY_ARGUMENTS_FOR_FUNCTION, SCHEMA)                                                                     \
    X(35, TOO_FEW_ARGUMENTS_FOR_FUNCTION, SCHEMA)                                                                      \
    X(36, BAD_ARGUMENTS, SCHEMA)                                                                                       \
    X(37, UNKNOWN_ELEMENT_IN_AST, SCHEMA)                                                                              \
    X(42, NUMBER_OF_ARGUMENTS_DOESNT_MATCH, SCHEMA)                                                                    \
    X(43, ILLEGAL_TYPE_OF_ARGUMENT, SCHEMA)                                                                            \
    X(44, ILLEGAL_COLUMN, SCHEMA)                                                                                      \
    X(46, UNKNOWN_FUNCTION, SCHEMA)                                                                                    \
    X(47, UNKNOWN_IDENTIFIER, SCHEMA)                                                                                  \
    X(48, NOT_IMPLEMENTED, SCHEMA)                                                                                     \
    X(50, UNKNOWN_TYPE, SCHEMA)                                                                                        \
    X(51, EMPTY_LIST_OF_COLUMNS_QUERIED, SCHEMA)                                                                       \
    X(52, COLUMN_QUERIED_MORE_THAN_ONCE, SCHEMA)                                                                       \
    X(53, TYPE_MISMATCH, SCHEMA)                                                                                       \
    X(55, STORAGE_REQUIRES_PARAMETER, SCHEMA)                                                                          \
    X(56, UNKNOWN_STORAGE, SCHEMA)                                                                                     \
    X(57, TABLE_ALREADY_EXISTS, SCHEMA)                                                                                \
    X(58, TABLE_METADATA_ALREADY_EXISTS, SCHEMA)                                                                       \
    X(59, ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER, SCHEMA)                                                                   \
    X(60, UNKNOWN_TABLE, SCHEMA)                                                                                       \
    X(62, SYNTAX_ERROR, SCHEMA)                                                                                        \
    X(63, UNKNOWN_AGGREGATE_FUNCTION, SCHEMA)                                                                          \
    X(70, CANNOT_CONVERT_TYPE, SCHEMA)                                                                                 \
    X(73, UNKNOWN_FORMAT, SCHEMA)                                                                                      \
    X(78, UNKNOWN_TYPE_OF_QUERY, SCHEMA)                                                                               \
    X(80, INCORRECT_QUERY, SCHEMA)                                                                                     \
    X(81, UNKNOWN_DATABASE, SCHEMA)                                                                                    \
    X(82, DATABASE_ALREADY_EXISTS, SCHEMA)                                                                             \
    X(85, FORMAT_IS_NOT_SUITABLE_FOR_INPUT, SCHEMA)                                                                    \
    X(89, UNKNOWN_COMPRESSION_METHOD, SCHEMA)                                                                          \
    X(90, EMPTY_LIST_OF_COLUMNS_PASSED, SCHEMA)                                                                        \
    X(116, THERE_IS_NO_DEFAULT_VALUE, SCHEMA)                                                                          \
    X(117, INCORRECT_DATA, SCHEMA)                                                                                     \
    X(119, ENGINE_REQUIRED, SCHEMA)                                                                                    \
    X(122, INCOMPATIBLE_COLUMNS, SCHEMA)                                                                               \
    X(125, INCORRECT_RESULT_OF_SCALAR_SUBQUERY, SCHEMA)                                                                \
    X(127, ILLEGAL_INDEX, SCHEMA)                                                                                      \
    X(129, FUNCTION_IS_SPECIAL, SCHEMA)                                                                                \
    X(161, TOO_MANY_COLUMNS, SCHEMA)                                                                                   \
    X(162, TOO_DEEP_SUBQUERIES, SCHEMA)                                                                                \
    X(167, TOO_DEEP_AST, SCHEMA)                                                                                       \
    X(168, TOO_BIG_AST, SCHEMA)                                                                                        \
    X(169, BAD_TYPE_OF_FIELD, SCHEMA)                                                                                  \
    X(170, BAD_GET, SCHEMA)                                                                                            \
    X(174, CYCLIC_ALIASES, SCHEMA)                                                                                     \
    X(179, MULTIPLE_EXPRESSIONS_FOR_ALIAS, SCHEMA)                                                                     \
    X(181, ILLEGAL_FINAL, SCHEMA)                                                                                      \
    X(182, ILLEGAL_PREWHERE, SCHEMA)                                                                                   \
    X(183, UNEXPECTED_EXPRESSION, SCHEMA)                                                                              \
    X(184, ILLEGAL_AGGREGATION, SCHEMA)                                                                                \
    X(206, ALIAS_REQUIRED, SCHEMA)                                                                                     \
    X(207, AMBIGUOUS_IDENTIFIER, SCHEMA)                                                                               \
    X(208, EMPTY_NESTED_TABLE, SCHEMA)                                                                                 \
    X(215, NOT_AN_AGGREGATE, SCHEMA)                                                                                   \
    X(218, TABLE_IS_DROPPED, SCHEMA)                                                                                   \
    X(248, INVALID_PARTITION_VALUE, SCHEMA)                                                                            \
    X(253, REPLICA_ALREADY_EXISTS, SCHEMA)                                                                             \
    X(336, UNKNOWN_DATABASE_ENGINE, SCHEMA)                                                                            \
    X(342, METADATA_MISMATCH, SCHEMA)                                                                                  \
    X(344, SUPPORT_IS_DISABLED, SCHEMA)                                                                                \
    X(345, TABLE_DIFFERS_TOO_MUCH, SCHEMA)                                                                             \
    X(349, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN, SCHEMA)                                                              \
    X(352, AMBIGUOUS_COLUMN_NAME, SCHEMA)                                                                              \
    X(370, DATA_TYPE_CANNOT_BE_USED_IN_TABLES, SCHEMA)                                                                 \
    X(371, INCONSISTENT_CLUSTER_DEFINITION, SCHEMA)                                                                    \
    X(377, ILLEGAL_SYNTAX_FOR_DATA_TYPE, SCHEMA)                                                                       \
    X(378, DATA_TYPE_CANNOT_HAVE_ARGUMENTS, SCHEMA)                                                                    \
    X(386, NO_COMMON_TYPE, SCHEMA)                                                                                     \
    X(397, QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW, SCHEMA)                                                        \
    X(401, FEATURE_IS_NOT_ENABLED_AT_BUILD_TIME, SCHEMA)                                                               \
    X(419, MULTIPLE_ASSIGNMENTS_TO_COLUMN, SCHEMA)                                                                     \
    X(420, CANNOT_UPDATE_COLUMN, SCHEMA)                                                                               \
    X(427, CANNOT_COMPILE_REGEXP, SCHEMA)                                                                              \
    X(431, ILLEGAL_SYNTAX_FOR_CODEC_TYPE, SCHEMA)                                                                      \
    X(432, UNKNOWN_CODEC, SCHEMA)                                                                                      \
    X(433, ILLEGAL_CODEC_PARAMETER, SCHEMA)                                                                            \
    X(438, DATA_TYPE_CANNOT_BE_PROMOTED, SCHEMA)                                                                       \
    X(442, BAD_DATABASE_FOR_TEMPORARY_TABLE, SCHEMA)                                                                   \
    X(450, BAD_TTL_EXPRESSION, SCHEMA)                                                                                 \
    X(455, SUSPICIOUS_TYPE_FOR_LOW_CARDINALITY, SCHEMA)                                                                \
    X(456, UNKNOWN_QUERY_PARAMETER, SCHEMA)                                                                            \
    X(477, INVALID_USAGE_OF_INPUT, SCHEMA)                                                                             \
    X(478, UNKNOWN_POLICY, SCHEMA)                                                                                     \
    X(479, UNKNOWN_DISK, SCHEMA)                                                                                       \
    X(524, ALTER_OF_COLUMN_IS_FORBIDDEN, SCHEMA)                                                                       \
    X(527, NO_SUITABLE_FUNCTION_IMPLEMENTATION, SCHEMA)                                                                \
    X(549, DATA_TYPE_CANNOT_BE_USED_IN_KEY, SCHEMA)                                                                    \
    X(582, NO_SUCH_PROJECTION_IN_TABLE, SCHEMA)                                                                        \
    X(583, ILLEGAL_PROJECTION, SCHEMA)                                                                                 \
    X(630, HAVE_DEPENDENT_OBJECTS, SCHEMA)                                                                             \
    X(636, CANNOT_EXTRACT_TABLE_STRUCTURE, SCHEMA)                                                                     \
    X(701, CLUSTER_DOESNT_EXIST, SCHEMA)                                                                               \
    X(703, INVALID_IDENTIFIER, SCHEMA)                                                                                 \
    X(705, TABLE_NOT_EMPTY, SCHEMA)                                                                                    \
    X(708, ILLEGAL_STATISTICS, SCHEMA)                                                                                 \
    X(712, TOO_MANY_MATERIALIZED_VIEWS, SCHEMA)                                                                        \
    X(721, DEPRECATED_FUNCTION, SCHEMA)                                                                                \
    X(724, TOO_MANY_TABLES, SCHEMA)                                                                                    \
    X(725, TOO_MANY_DATABASES, SCHEMA)                                                                                 \
    X(727, UNEXPECTED_TABLE_ENGINE, SCHEMA)                                                                            \
    X(728, UNEXPECTED_DATA_TYPE, SCHEMA)                                                                               \
    X(741, TABLE_UUID_MISMATCH, SCHEMA)                                                                                \
    X(754, UDF_EXECUTION_FAILED, SCHEMA)                                                                               \
    X(764, DEDUPLICATION_IS_NOT_POSSIBLE, SCHEMA)                                                                      \
    X(772, INCOMPATIBLE_SCHEMA, SCHEMA)                                                                                \
    X(774, TABLE_IS_PERMANENTLY_READ_ONLY, SCHEMA)                                                                     \
    X(1016, TABLE_SIZE_LIMIT_EXCEEDED, SCHEMA)

/* One row's value is at fault, whatever else is in the batch. */
#define REJECT_CODES(X)                                                                                                \
    X(6, CANNOT_PARSE_TEXT, REJECT)                                                                                    \
    X(19, SIZE_OF_FIXED_STRING_DOESNT_MATCH, REJECT)                                                                   \
    X(25, CANNOT_PARSE_ESCAPE_SEQUENCE, REJECT)                                                                        \
    X(26, CANNOT_PARSE_QUOTED_STRING, REJECT)                                                                          \
    X(27, CANNOT_PARSE_INPUT_ASSERTION_FAILED, REJECT)                                                                 \
    X(38, CANNOT_PARSE_DATE, REJECT)                                                                                   \
    X(41, CANNOT_PARSE_DATETIME, REJECT)                                                                               \
    X(69, ARGUMENT_OUT_OF_BOUND, REJECT)                                                                               \
    X(72, CANNOT_PARSE_NUMBER, REJECT)                                                                                 \
    X(120, CANNOT_INSERT_VALUE_OF_DIFFERENT_SIZE_INTO_TUPLE, REJECT)                                                   \
    X(130, CANNOT_READ_ARRAY_FROM_TEXT, REJECT)                                                                        \
    X(153, ILLEGAL_DIVISION, REJECT)                                                                                   \
    X(190, SIZES_OF_ARRAYS_DONT_MATCH, REJECT)                                                                         \
    X(321, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE, REJECT)                                                                 \
    X(32, ATTEMPT_TO_READ_AFTER_EOF, REJECT)                                                                           \
    X(33, CANNOT_READ_ALL_DATA, REJECT)                                                                                \
    X(366, SIZES_OF_NESTED_COLUMNS_ARE_INCONSISTENT, REJECT)                                                           \
    X(376, CANNOT_PARSE_UUID, REJECT)                                                                                  \
    X(395, FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, REJECT)                                                                \
    X(407, DECIMAL_OVERFLOW, REJECT)                                                                                   \
    X(441, CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING, REJECT)                                                              \
    X(457, BAD_QUERY_PARAMETER, REJECT)                                                                                \
    X(467, CANNOT_PARSE_BOOL, REJECT)                                                                                  \
    X(469, VIOLATED_CONSTRAINT, REJECT)                                                                                \
    X(563, CANNOT_READ_MAP_FROM_TEXT, REJECT)                                                                          \
    X(632, UNEXPECTED_DATA_AFTER_PARSED_VALUE, REJECT)                                                                 \
    X(645, NUMBER_OF_DIMENSIONS_MISMATCHED, REJECT)                                                                    \
    X(675, CANNOT_PARSE_IPV4, REJECT)                                                                                  \
    X(676, CANNOT_PARSE_IPV6, REJECT)                                                                                  \
    X(691, UNKNOWN_ELEMENT_OF_ENUM, REJECT)                                                                            \
    X(760, UNICODE_ERROR, REJECT)

/* The batch is too much for the server or for the account's limits. A cut in smaller parts also touches fewer
 * partitions. */
#define SPLIT_CODES(X)                                                                                                 \
    X(39, TOO_LARGE_SIZE_COMPRESSED, SPLIT)                                                                            \
    X(128, TOO_LARGE_ARRAY_SIZE, SPLIT)                                                                                \
    X(131, TOO_LARGE_STRING_SIZE, SPLIT)                                                                               \
    X(158, TOO_MANY_ROWS, SPLIT)                                                                                       \
    X(173, CANNOT_ALLOCATE_MEMORY, SPLIT)                                                                              \
    X(229, QUERY_IS_TOO_LARGE, SPLIT)                                                                                  \
    X(241, MEMORY_LIMIT_EXCEEDED, SPLIT)                                                                               \
    X(307, TOO_MANY_BYTES, SPLIT)                                                                                      \
    X(396, TOO_MANY_ROWS_OR_BYTES, SPLIT)                                                                              \
    X(565, TOO_MANY_PARTITIONS, SPLIT)                                                                                 \
    X(777, MEMORY_RESERVATION_KILLED, SPLIT)

/* The server, its disks or its keeper are busy, starting, full or cut off, or the body arrived damaged. */
#define RETRY_CODES(X)                                                                                                 \
    X(3, UNEXPECTED_END_OF_FILE, RETRY)                                                                                \
    X(23, CANNOT_READ_FROM_ISTREAM, RETRY)                                                                             \
    X(24, CANNOT_WRITE_TO_OSTREAM, RETRY)                                                                              \
    X(40, CHECKSUM_DOESNT_MATCH, RETRY)                                                                                \
    X(49, LOGICAL_ERROR, RETRY)                                                                                        \
    X(74, CANNOT_READ_FROM_FILE_DESCRIPTOR, RETRY)                                                                     \
    X(75, CANNOT_WRITE_TO_FILE_DESCRIPTOR, RETRY)                                                                      \
    X(76, CANNOT_OPEN_FILE, RETRY)                                                                                     \
    X(86, RECEIVED_ERROR_FROM_REMOTE_IO_SERVER, RETRY)                                                                 \
    X(95, CANNOT_READ_FROM_SOCKET, RETRY)                                                                              \
    X(96, CANNOT_WRITE_TO_SOCKET, RETRY)                                                                               \
    X(107, FILE_DOESNT_EXIST, RETRY)                                                                                   \
    X(113, THERE_IS_NO_SESSION, RETRY)                                                                                 \
    X(159, TIMEOUT_EXCEEDED, RETRY)                                                                                    \
    X(160, TOO_SLOW, RETRY)                                                                                            \
    X(172, CANNOT_CREATE_DIRECTORY, RETRY)                                                                             \
    X(198, DNS_ERROR, RETRY)                                                                                           \
    X(199, UNKNOWN_QUOTA, RETRY)                                                                                       \
    X(201, QUOTA_EXCEEDED, RETRY)                                                                                      \
    X(202, TOO_MANY_SIMULTANEOUS_QUERIES, RETRY)                                                                       \
    X(203, NO_FREE_CONNECTION, RETRY)                                                                                  \
    X(204, CANNOT_FSYNC, RETRY)                                                                                        \
    X(209, SOCKET_TIMEOUT, RETRY)                                                                                      \
    X(210, NETWORK_ERROR, RETRY)                                                                                       \
    X(216, QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, RETRY)                                                               \
    X(224, REPLICA_IS_ALREADY_ACTIVE, RETRY)                                                                           \
    X(225, NO_ZOOKEEPER, RETRY)                                                                                        \
    X(231, TOO_MANY_UNEXPECTED_DATA_PARTS, RETRY)                                                                      \
    X(236, ABORTED, RETRY)                                                                                             \
    X(242, TABLE_IS_READ_ONLY, RETRY)                                                                                  \
    X(243, NOT_ENOUGH_SPACE, RETRY)                                                                                    \
    X(244, UNEXPECTED_ZOOKEEPER_ERROR, RETRY)                                                                          \
    X(246, CORRUPTED_DATA, RETRY)                                                                                      \
    X(252, TOO_MANY_PARTS, RETRY)                                                                                      \
    X(254, NO_ACTIVE_REPLICAS, RETRY)                                                                                  \
    X(265, NO_AVAILABLE_REPLICA, RETRY)                                                                                \
    X(271, CANNOT_DECOMPRESS, RETRY)                                                                                   \
    X(279, ALL_CONNECTION_TRIES_FAILED, RETRY)                                                                         \
    X(285, TOO_FEW_LIVE_REPLICAS, RETRY)                                                                               \
    X(286, UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, RETRY)                                                               \
    X(289, REPLICA_IS_NOT_IN_QUORUM, RETRY)                                                                            \
    X(290, LIMIT_EXCEEDED, RETRY)                                                                                      \
    X(294, CANNOT_WRITE_TO_FILE, RETRY)                                                                                \
    X(297, SHARD_HAS_NO_CONNECTIONS, RETRY)                                                                            \
    X(319, UNKNOWN_STATUS_OF_INSERT, RETRY)                                                                            \
    X(341, UNFINISHED, RETRY)                                                                                          \
    X(364, RECEIVED_ERROR_TOO_MANY_REQUESTS, RETRY)                                                                    \
    X(369, ALL_REPLICAS_ARE_STALE, RETRY)                                                                              \
    X(372, SESSION_NOT_FOUND, RETRY)                                                                                   \
    X(373, SESSION_IS_LOCKED, RETRY)                                                                                   \
    X(381, HTTP_LENGTH_REQUIRED, RETRY)                                                                                \
    X(384, PART_IS_TEMPORARILY_LOCKED, RETRY)                                                                          \
    X(394, QUERY_WAS_CANCELLED, RETRY)                                                                                 \
    X(410, EXTERNAL_SERVER_IS_NOT_RESPONDING, RETRY)                                                                   \
    X(411, PTHREAD_ERROR, RETRY)                                                                                       \
    X(415, ALL_REPLICAS_LOST, RETRY)                                                                                   \
    X(416, REPLICA_STATUS_CHANGED, RETRY)                                                                              \
    X(425, SYSTEM_ERROR, RETRY)                                                                                        \
    X(439, CANNOT_SCHEDULE_TASK, RETRY)                                                                                \
    X(473, DEADLOCK_AVOIDED, RETRY)                                                                                    \
    X(499, S3_ERROR, RETRY)                                                                                            \
    X(500, AZURE_BLOB_STORAGE_ERROR, RETRY)                                                                            \
    X(517, CANNOT_ASSIGN_ALTER, RETRY)                                                                                 \
    X(519, NO_REMOTE_SHARD_AVAILABLE, RETRY)                                                                           \
    X(529, NOT_A_LEADER, RETRY)                                                                                        \
    X(555, ROCKSDB_ERROR, RETRY)                                                                                       \
    X(561, ZSTD_DECODER_FAILED, RETRY)                                                                                 \
    X(568, RAFT_ERROR, RETRY)                                                                                          \
    X(571, DATABASE_REPLICATION_FAILED, RETRY)                                                                         \
    X(574, DISTRIBUTED_TOO_MANY_PENDING_BYTES, RETRY)                                                                  \
    X(586, CANNOT_CREATE_FILE, RETRY)                                                                                  \
    X(618, LZ4_DECODER_FAILED, RETRY)                                                                                  \
    X(641, CANNOT_APPEND_TO_FILE, RETRY)                                                                               \
    X(649, INVALID_TRANSACTION, RETRY)                                                                                 \
    X(650, SERIALIZATION_ERROR, RETRY)                                                                                 \
    X(659, UNKNOWN_STATUS_OF_TRANSACTION, RETRY)                                                                       \
    X(667, NOT_INITIALIZED, RETRY)                                                                                     \
    X(668, INVALID_STATE, RETRY)                                                                                       \
    X(677, THREAD_WAS_CANCELED, RETRY)                                                                                 \
    X(692, TOO_MANY_MUTATIONS, RETRY)                                                                                  \
    X(693, AWS_ERROR, RETRY)                                                                                           \
    X(695, ASYNC_LOAD_FAILED, RETRY)                                                                                   \
    X(696, ASYNC_LOAD_CANCELED, RETRY)                                                                                 \
    X(700, USER_SESSION_LIMIT_EXCEEDED, RETRY)                                                                         \
    X(709, CANNOT_GET_REPLICATED_DATABASE_SNAPSHOT, RETRY)                                                             \
    X(710, FAULT_INJECTED, RETRY)                                                                                      \
    X(718, TOO_SLOW_PARSING, RETRY)                                                                                    \
    X(722, ASYNC_LOAD_WAIT_FAILED, RETRY)                                                                              \
    X(733, TABLE_IS_BEING_RESTARTED, RETRY)                                                                            \
    X(734, CANNOT_WRITE_AFTER_BUFFER_CANCELED, RETRY)                                                                  \
    X(735, QUERY_WAS_CANCELLED_BY_CLIENT, RETRY)                                                                       \
    X(737, GOOGLE_CLOUD_ERROR, RETRY)                                                                                  \
    X(738, PART_IS_LOCKED, RETRY)                                                                                      \
    X(745, SERVER_OVERLOADED, RETRY)                                                                                   \
    X(749, TCP_CONNECTION_LIMIT_REACHED, RETRY)                                                                        \
    X(762, HTTP_CONNECTION_LIMIT_REACHED, RETRY)                                                                       \
    X(763, SESSION_REFUSED, RETRY)                                                                                     \
    X(771, CACHE_CANNOT_WRITE_TO_CACHE_DISK, RETRY)                                                                    \
    X(776, RESOURCE_LIMIT_EXCEEDED, RETRY)                                                                             \
    X(778, MEMORY_RESERVATION_FAILED, RETRY)                                                                           \
    X(902, PROTOCOL_VERSION_MISMATCH, RETRY)                                                                           \
    X(904, TOO_MANY_UNAVAILABLE_SHARDS, RETRY)                                                                         \
    X(999, KEEPER_EXCEPTION, RETRY)                                                                                    \
    X(1000, POCO_EXCEPTION, RETRY)                                                                                     \
    X(1001, STD_EXCEPTION, RETRY)                                                                                      \
    X(1002, UNKNOWN_EXCEPTION, RETRY)                                                                                  \
    X(1004, STARTUP_SCRIPTS_ERROR, RETRY)                                                                              \
    X(1017, ASYNC_INSERT_FLUSH_TIMEOUT, RETRY)                                                                         \
    X(1018, EXCHANGE_PEER_DISCONNECTED, RETRY)                                                                         \
    X(1019, QUERY_SLOT_ACQUISITION_TIMEOUT, RETRY)                                                                     \
    X(1020, MEMORY_RESERVATION_ACQUISITION_TIMEOUT, RETRY)

#define CODE_MAP(X) AUTH_CODES(X) SCHEMA_CODES(X) REJECT_CODES(X) SPLIT_CODES(X) RETRY_CODES(X)

static enum gch_error_class class_of_http(int http_status)
{
    switch (http_status) {
    case 401:
    case 403:
        return GCH_CLASS_AUTH;
    case 413:
        return GCH_CLASS_SPLIT;
    default:
        return GCH_CLASS_RETRY;
    }
}

enum gch_error_class gch_error_classify(int code, int http_status)
{
    switch (code) {
#define X(number, name, class_name)                                                                                    \
    case number:                                                                                                       \
        return GCH_CLASS_##class_name;
        CODE_MAP(X)
#undef X
    default:
        break;
    }
    if (code == 0 && http_status >= 200 && http_status < 300)
        return GCH_CLASS_NONE;
    return class_of_http(http_status);
}

const char *gch_error_code_name(int code)
{
    switch (code) {
#define X(number, name, class_name)                                                                                    \
    case number:                                                                                                       \
        return #name;
        CODE_MAP(X)
#undef X
    default:
        return NULL;
    }
}
