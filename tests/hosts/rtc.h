/* SPDX-License-Identifier: MIT */
/*
 * The RTC, read as UTC in whole seconds.  A header, because the VMI ROM links
 * with nothing.
 */
#ifndef TESTS_HOSTS_RTC_H
#define TESTS_HOSTS_RTC_H

#include "bare.h"

#define RTC_INDEX    0x70
#define RTC_DATA     0x71
#define RTC_STATUS_A 0x0a
#define RTC_UPDATING 0x80
#define RTC_STATUS_B 0x0b
#define RTC_BINARY   0x04
#define RTC_24_HOURS 0x02
#define RTC_PM       0x80

static inline uint8_t rtc(uint8_t index)
{
        outb(RTC_INDEX, index);
        return inb(RTC_DATA);
}

/* The registers of seconds, minutes, hours, day, month, year, century. */
struct rtc_time {
        uint8_t field[7];
};

static inline void read_rtc(struct rtc_time *ret)
{
        static const uint8_t registers[] = { 0x00, 0x02, 0x04, 0x07,
                                             0x08, 0x09, 0x32 };
        unsigned i;

        while (rtc(RTC_STATUS_A) & RTC_UPDATING)
                ;
        for (i = 0; i < 7; i++)
                ret->field[i] = rtc(registers[i]);
}

/* Days since 1970-01-01.  They are counted in years that begin in March and so
 * end with the leap day; 719468 of them lie before 1970. */
static inline uint32_t days_of(uint32_t year, uint32_t month, uint32_t day)
{
        if (month <= 2) {
                year--;
                month += 12;
        }
        /* (153 m + 2) / 5 is the number of days before month m from March on. */
        return 365 * year + year / 4 - year / 100 + year / 400 +
               (153 * (month - 3) + 2) / 5 + day - 1 - 719468;
}

/* Seconds since 1970. */
static inline uint32_t rtc_seconds(void)
{
        struct rtc_time now, again;
        uint8_t status = rtc(RTC_STATUS_B);
        uint32_t hour;
        bool pm;

        /* An update may fall between two registers; then two readings differ. */
        read_rtc(&again);
        do {
                now = again;
                read_rtc(&again);
        } while (now.field[0] != again.field[0]);

        pm = !(status & RTC_24_HOURS) && (now.field[2] & RTC_PM);
        if (pm)
                now.field[2] &= (uint8_t)~RTC_PM;
        if (!(status & RTC_BINARY))
                for (unsigned i = 0; i < COUNT(now.field); i++)
                        now.field[i] = (uint8_t)((now.field[i] >> 4) * 10 +
                                                 (now.field[i] & 15));
        hour = now.field[2];
        if (!(status & RTC_24_HOURS))
                hour = hour % 12 + (pm ? 12 : 0);
        return days_of(now.field[6] * 100u + now.field[5], now.field[4],
                       now.field[3]) *
                       86400 +
               hour * 3600 + now.field[1] * 60u + now.field[0];
}

#endif
