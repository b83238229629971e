/* Messages over a socket. Nothing here waits in a system call for a worker that hangs. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "internal.h"

int vst_open_socket(connection *it)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, it->path, sizeof address.sun_path);
    int opened = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0)
        return -1;
    if (connect(opened, (struct sockaddr *)&address, sizeof address)) {
        close(opened);
        return -1;
    }
    it->socket = opened;
    return 0;
}

void vst_disconnect(connection *it)
{
    if (it->socket >= 0)
        close(it->socket);
    it->socket = -1;
    it->cancelled = 0;
    vst_free_frames(&it->memory);
}

/* Sends a packet, with a file descriptor unless that is -1. */
static int send_packet(const connection *it, char *packet, size_t length, int descriptor)
{
    struct iovec part = {packet, length};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do
        sent = sendmsg(it->socket, &header, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

int vst_send(connection *it, const vst_message *message, char error[VST_ERROR_SIZE])
{
    char packet[VST_PACKET_SIZE];
    int length = vst_encode(message, packet, error);
    if (length < 0)
        return -1;
    int is_first = message->kind == VST_MESSAGE_RENDER && !it->memory.sent;
    if (send_packet(it, packet, (size_t)length, is_first ? it->memory.descriptor : -1))
        shutdown(it->socket, SHUT_RDWR);
    else if (is_first)
        it->memory.sent = 1;
    return 0;
}

receipt vst_receive(connection *it, double seconds)
{
    struct pollfd ready = {.fd = it->socket, .events = POLLIN};
    if (poll(&ready, 1, (int)(seconds * 1000)) <= 0)
        return NOTHING_YET;
    ssize_t length = recv(it->socket, it->packet, VST_PACKET_SIZE, 0);
    if (length < 0)
        return errno == EINTR || errno == EAGAIN ? NOTHING_YET : END_OF_CONNECTION;
    if (length == 0)
        return END_OF_CONNECTION;
    it->packet[length] = 0;
    return vst_decode(it->packet, &it->message) ? INVALID : RECEIVED;
}

int vst_is_closed(const connection *it)
{
    char byte;
    ssize_t length = recv(it->socket, &byte, 1, MSG_PEEK);
    return length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
}
