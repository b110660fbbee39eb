/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/net, as programs find it where no socket and no link but the loopback is: headers only.
 */
#include "core/procfs/nodes.h"

#define SOCKETS "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"
#define SOCKETS_6                                                                                  \
    "  sl  local_address                         remote_address                        st "        \
    "tx_queue rx_queue tr tm->when retrnsmt"

static const char tcp_text[] =
    SOCKETS "   uid  timeout inode                                                     \n";
static const char udp_text[] = SOCKETS "   uid  timeout inode ref pointer drops             \n";
static const char tcp6_text[] = SOCKETS_6 "   uid  timeout inode\n";
static const char udp6_text[] = SOCKETS_6 "   uid  timeout inode ref pointer drops\n";
static const char unix_text[] = "Num       RefCount Protocol Flags    Type St Inode Path\n";
static const char dev_text[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n"
    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0  "
    "  0     0       0          0\n";
static const char route_text[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT           "
    "                                            \n";
static const char arp_text[] =
    "IP address       HW type     Flags       HW address            Mask     Device\n";
static const char packet_text[] =
    "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n";
static const char netlink_text[] =
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n";
static const char if6_text[] = "00000000000000000000000000000001 01 80 10 80       lo\n";

#define NET_FILE(title, content)                                                                   \
    {                                                                                              \
        .name = (title), .mode = S_IFREG | 0444, .text = (content)                                 \
    }

const struct pseudo_node net_nodes[] = {
    NET_FILE("arp", arp_text),       NET_FILE("dev", dev_text),
    NET_FILE("if_inet6", if6_text),  NET_FILE("netlink", netlink_text),
    NET_FILE("packet", packet_text), NET_FILE("raw", udp_text),
    NET_FILE("raw6", udp6_text),     NET_FILE("route", route_text),
    NET_FILE("tcp", tcp_text),       NET_FILE("tcp6", tcp6_text),
    NET_FILE("udp", udp_text),       NET_FILE("udp6", udp6_text),
    NET_FILE("unix", unix_text),     {.name = NULL},
};
